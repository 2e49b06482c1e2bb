import { z } from "zod";
import { BASE_IMAGE } from "./pins";
import { absolutePath, PREFIX_MAX_LENGTH } from "./paths";
import { integer, object, whenSound } from "./schema";

/** What a host can carry; namespaces go with Pulsar. */
export const COMPONENTS = ["nats", "pulsar", "benthos", "monitoring"] as const;

/** A key of the stack config whose component runs on hosts. */
export type ComponentName = (typeof COMPONENTS)[number];

/** What keeps services alive, as the config names it. */
const SERVICES = ["auto", "supervisord", "systemd", "launchd", "docker"] as const;

/** Where everything of a root install goes, unless the config says otherwise. */
export const ROOT_PREFIX = "/opt/messaging";

/** What the config says in place of a host key to take any: whoever answers then gets what the tasks send. */
export const ANY_HOST_KEY = "insecure-accept-any";

/** Keys of `messaging:hosts` are parts of resource names, paths and server names. */
const hostKey = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);

const ENGINE = "allowed: the socket of a Docker engine on the host, such as unix:///var/run/docker.sock";
const IMAGE = "allowed: an image by its digest, NAME@sha256:DIGEST, or by its id, sha256:ID";

/** Where engines have their socket unless somebody says otherwise. */
export const USUAL_ENGINE = "unix:///var/run/docker.sock";

/** The Docker engine that runs the services of a host, and what their images are built on. */
const dockerSchema = object({
  engine: z
    .string(ENGINE)
    .regex(/^unix:\/\/\/[\w./-]+$/, ENGINE)
    .default(USUAL_ENGINE)
    .describe("the engine that runs the services"),
  baseImage: z
    .string(IMAGE)
    .regex(/^([a-z0-9][\w./:-]*@)?sha256:[0-9a-f]{64}$/, IMAGE)
    .default(BASE_IMAGE)
    .describe("what images are built on, `NAME@sha256:…` or `sha256:…`"),
});

const common = {
  services: z
    .enum(SERVICES, `allowed: ${SERVICES.slice(0, -1).join(", ")} or ${SERVICES.at(-1)}`)
    .default("auto")
    .describe(
      "what keeps services alive ([docker](docker.md)); `auto`: supervisord on this machine, over SSH what the system has, else supervisord",
    ),
  prefix: absolutePath("the installation prefix")
    .refine(
      (path) => path.length <= PREFIX_MAX_LENGTH,
      `allowed: at most ${PREFIX_MAX_LENGTH} characters, because supervisord's socket lies below it`,
    )
    .optional()
    .describe(
      "everything is installed below it; one stack each. Without: the user's data folder, `~/.local/share/messaging`; over SSH `/opt/messaging` for root, required for others",
    ),
  docker: dockerSchema.optional(),
  adopt: z
    .literal(true, "allowed: true, to take over the NATS server or the Pulsar that somebody has set up on the host without this stack")
    .optional()
    .describe(
      "`true`: takes over a NATS server or a Pulsar that listens on a port of this stack and was set up without it; its data directory has to be the configured one",
    ),
  components: z
    .array(z.enum(COMPONENTS, `allowed: ${COMPONENTS.join(" or ")}`), `allowed: a list of ${COMPONENTS.join(", ")}`)
    .min(1, "allowed: at least one component; a host that carries nothing is left out")
    .optional()
    .describe("what it carries; required with several hosts, without: all. Namespaces go with Pulsar"),
};

const HOST_KEY =
  'allowed: the public key that the server proves to have, type and base64 as `ssh-keyscan -t ed25519 HOST` prints them ("ssh-ed25519 AAAA…"), ' +
  `or in so many words ${ANY_HOST_KEY}`;
const PRIVATE_KEY =
  "allowed: a private key in PEM or OpenSSH format without a passphrase (one with a passphrase belongs in an agent: agent: true)";

/** How to log in to an SSH server. */
const login = {
  host: z
    .string("allowed: the name or address of the server")
    .regex(/^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?$/, "allowed: the name or address of the server, without user or port")
    .describe("name or address of the SSH server"),
  port: integer("a port", 1, 65535).default(22).describe("of the SSH server"),
  user: z
    .string("allowed: the user to log in as")
    .regex(/^[A-Za-z_][A-Za-z0-9._-]*$/, "allowed: the user to log in as, letters, digits and . _ -")
    .describe("whom to log in as"),
  privateKey: z
    .string(PRIVATE_KEY)
    .regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----\s[^]*-----END [A-Z ]*PRIVATE KEY-----\s*$/, PRIVATE_KEY)
    .optional()
    .describe("the user's identity, a secret; this or `agent`"),
  agent: z
    .literal(true, "allowed: true, for the agent that SSH_AUTH_SOCK names")
    .optional()
    .describe("`true`: the identity is in the agent of `SSH_AUTH_SOCK`"),
  hostKey: z
    .string(HOST_KEY)
    .regex(new RegExp(`^((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*|${ANY_HOST_KEY})$`), HOST_KEY)
    .describe(`the server's public key, such as \`ssh-ed25519 AAAA…\`; \`${ANY_HOST_KEY}\` takes whoever answers`),
};

function hasOneIdentity({ privateKey, agent }: { readonly privateKey?: string | undefined; readonly agent?: true | undefined }): boolean {
  return (privateKey === undefined) !== (agent === undefined);
}

const oneIdentity = {
  path: ["privateKey"],
  message: "allowed: either privateKey, as a secret, or agent: true",
  when: whenSound("privateKey", "agent"),
};

const CONNECTION = "how commands reach the host, with an example in [hosts.md](hosts.md)";

const localHost = object({ connection: z.literal("local").meta({ description: CONNECTION, default: "local" }), ...common });

const sshHost = object({
  connection: z.literal("ssh").describe(CONNECTION),
  ...login,
  jump: object(login).refine(hasOneIdentity, oneIdentity).optional().describe("a server to go through"),
  become: z.literal("sudo", "allowed: sudo, which must ask no password").optional().describe("`sudo`: tasks run as root"),
  ...common,
})
  .refine(hasOneIdentity, oneIdentity)
  .refine(({ user, become, prefix }) => user === "root" || become === "sudo" || prefix !== undefined, {
    path: ["prefix"],
    message: `allowed: a directory that the user may make, such as /home/USER/messaging; only root and become: sudo have a default (${ROOT_PREFIX})`,
    when: whenSound("user", "become", "prefix"),
  });

/** One host: how to reach it, what keeps its services alive and what it carries. */
const hostSchema = z.preprocess(
  (host) => (typeof host === "object" && host !== null && !("connection" in host) ? { connection: "local", ...host } : host),
  z.discriminatedUnion("connection", [localHost, sshHost], {
    error: "allowed: local or ssh",
  }),
);

/** `messaging:hosts`: the hosts of the stack by key; one local host when absent. */
export const hostsSchema = z
  .record(hostKey, hostSchema, {
    error: ({ code }) =>
      code === "invalid_key"
        ? "allowed: a host key of up to 31 lower-case letters, digits and -, starting with a letter"
        : "allowed: hosts by key, such as { local: {} }",
  })
  .refine((hosts) => Object.keys(hosts).length > 0, "allowed: at least one host")
  .superRefine((hosts, context) => {
    const entries = Object.entries(hosts);
    for (const [key, host] of entries) {
      const { services, docker } = host;
      const issue = (name: string, message: string) => context.addIssue({ code: "custom", path: [key, name], message });
      if (docker !== undefined && services !== "docker") issue("docker", "allowed: with services: docker");
      if (services === "docker" && host.connection === "ssh" && (host.agent === undefined || host.jump !== undefined))
        issue("services", "allowed: docker over SSH with agent: true and without jump, because the plugin of Docker logs in by itself");
    }
    for (const [key, { components }] of entries.length > 1 ? entries : []) {
      if (components === undefined)
        context.addIssue({
          code: "custom",
          path: [key, "components"],
          message: `allowed: a list of ${COMPONENTS.join(", ")}; with several hosts each names what it carries`,
        });
    }
    const local = entries.filter(([, { connection }]) => connection === "local");
    for (const [key] of local.slice(1))
      context.addIssue({ code: "custom", path: [key, "connection"], message: `allowed: ssh; ${local[0]?.[0]} is this machine already` });
  })
  .prefault({ local: {} });

/** The parsed entry of one host. `prefix` is undefined where the user's data folder or, for root, /opt is meant. */
export type HostConfig = z.output<typeof hostSchema>;

/** The parsed Docker engine of a host. */
export type DockerConfig = z.output<typeof dockerSchema>;

/** The Docker engine of a host, with every default where its entry says nothing. */
export function dockerOf({ docker }: HostConfig): DockerConfig {
  return docker ?? dockerSchema.parse({});
}

/** The parsed entry of a host that is reached over SSH. */
export type SshHostConfig = z.output<typeof sshHost>;

/** How to log in to one server: to a host, or to the one that is jumped over. */
export type SshLogin = Pick<SshHostConfig, keyof typeof login>;

/** The host key that a server must have; undefined where the config says that any will do. */
export function pinnedHostKey({ hostKey: key }: SshLogin): string | undefined {
  return key === ANY_HOST_KEY ? undefined : key;
}

/**
 * The components that a host carries, in the order of COMPONENTS.
 * @param declared the keys of the stack config that declare a component
 */
export function carried(host: HostConfig, declared: Readonly<Partial<Record<ComponentName, unknown>>>): ComponentName[] {
  return COMPONENTS.filter((name) => declared[name] !== undefined && (host.components?.includes(name) ?? true));
}

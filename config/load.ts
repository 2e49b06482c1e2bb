import { readFileSync } from "node:fs";
// A part of the SDK: the whole takes longer to load than everything here, and hosts can answer meanwhile (index.ts).
import * as pulumiConfig from "@pulumi/pulumi/runtime/config";
import { parse } from "yaml";
import { z } from "zod";
import { benthosSchema } from "./benthos";
import { carried, type ComponentName, COMPONENTS, type HostConfig, hostsSchema } from "./hosts";
import { namespacesSchema } from "./namespaces";
import { monitoringSchema, NATS_METRICS } from "./monitoring";
import { natsSchema } from "./nats";
import { certificateProblems, isText } from "./own-certificate";
import { wantedPorts } from "./ports";
import { pulsarSchema } from "./pulsar";
import { planRam } from "./ram";
import { refusal } from "./refusal";
import { object, whenSound } from "./schema";
import { formatBytes, size } from "./units";

const NAMESPACE = "messaging";

const ALLOW_DATA_LOSS =
  "allowed: objects that may lose messages, such as stream/orders, consumer/orders/worker, namespace/arc/agents, topic/arc/agents/events or data/nats";

/** `messaging:policies`: what the policy pack takes for this stack; the pack itself checks the names and settings of its policies. */
const policiesSchema = z
  .union(
    [z.string(), z.looseObject({})],
    "allowed: the name of a ready set of policies, or an object of `set` and of policies with their level or settings",
  )
  .optional();

/** All `messaging:*` keys of a stack. */
export const configSchema = object({
  hosts: hostsSchema.describe("hosts by key; at most one of them is this machine"),
  ramBudget: size("64MB", "100TB").prefault("4GiB").describe("what all components of a host together may be planned with"),
  ramReserve: size("0B", "100TB")
    .prefault("2GiB")
    .describe("memory of the host that stays for the system and the models beside the components"),
  observe: z
    .boolean("allowed: true or false, whether hosts are looked at")
    .default(true)
    .describe("`false`: a preview that does not look at the hosts (a pull request's runner); it shows no drift"),
  policies: policiesSchema.describe(
    "set of [policies](../policies/README.md), `dev` (without this key) or `production`, or `{ set, <policy>: level or settings }`",
  ),
  nats: natsSchema.optional().describe("a NATS server with JetStream; `{}` takes every default, absent: none"),
  pulsar: pulsarSchema.optional().describe("Apache Pulsar standalone; `{}` takes every default, absent: none"),
  namespaces: namespacesSchema.describe(
    "Pulsar namespaces; the tenant of one is created when it is absent. Only the policies that are written are applied and compared; one that is taken out again is unset. `unlimited` stands for no limit wherever one can be lifted",
  ),
  benthos: benthosSchema.optional().describe("Benthos pipelines ([pipelines.md](pipelines.md)); absent: none"),
  monitoring: monitoringSchema
    .optional()
    .describe(
      "a Prometheus that scrapes what the host carries and evaluates alert rules ([monitoring.md](monitoring.md)); `{}` takes every default, absent: none. With NATS it needs the pipeline `monitoring/nats`",
    ),
  allowDataLoss: z
    .array(
      z
        .string(ALLOW_DATA_LOSS)
        .regex(
          /^(stream\/[\w-]+|(consumer|namespace)\/[\w-]+\/[\w-]+|topic\/[\w-]+\/[\w-]+\/[\w.-]+|data\/(nats|pulsar|pulsar-offload))$/,
          ALLOW_DATA_LOSS,
        ),
    )
    .default([])
    .describe(
      "objects that may lose messages, such as `stream/orders`, `consumer/orders/worker`, `namespace/arc/agents` (with all its topics) or `topic/arc/agents/events`, and directories whose data may be left behind (`data/nats`, `data/pulsar`, `data/pulsar-offload`); take them out again afterwards",
    ),
})
  .superRefine(
    ({ hosts, ...declared }, context) => {
      for (const [key, host] of Object.entries(hosts)) {
        for (const [index, name] of (host.components ?? []).entries()) {
          if (declared[name] === undefined)
            context.addIssue({
              code: "custom",
              path: ["hosts", key, "components", index],
              message: `allowed: a component that is declared, here with messaging:${name}`,
            });
        }
      }
      for (const name of COMPONENTS) {
        if (declared[name] !== undefined && !Object.values(hosts).some((host) => carried(host, declared).includes(name)))
          context.addIssue({
            code: "custom",
            path: [name],
            message: "allowed: a component that a host carries; no components of messaging:hosts name it",
          });
      }
    },
    { when: whenSound("hosts", ...COMPONENTS) },
  )
  .superRefine(
    ({ hosts, ramBudget, ...declared }, context) => {
      for (const [key, host] of Object.entries(hosts)) {
        const { byComponent, plannedBytes } = planRam(onHost(host, declared), host.connection === "local" && host.services !== "docker");
        if (plannedBytes <= ramBudget) continue;
        const parts = Object.entries(byComponent).map(([name, bytes]) => `${name} ${formatBytes(bytes)}`);
        const where = Object.keys(hosts).length > 1 ? ` on host ${key}` : "";
        const message = `allowed: at least ${formatBytes(plannedBytes)}, what the components are planned with${where} (${parts.join(" + ")}); raise it or lower their memory`;
        context.addIssue({ code: "custom", path: ["ramBudget"], message });
      }
    },
    { when: whenSound("hosts", "ramBudget", ...COMPONENTS) },
  )
  .superRefine(
    ({ hosts, ...declared }, context) => {
      for (const host of Object.values(hosts)) {
        const { nats, benthos, monitoring } = onHost(host, declared);
        if (monitoring === undefined || nats === undefined || benthos?.pipelines[NATS_METRICS] !== undefined) continue;
        const message = `allowed: with ${NATS_METRICS} in messaging:benthos.pipelines of the same host, which makes Prometheus metrics of what NATS reports`;
        context.addIssue({ code: "custom", path: ["monitoring"], message });
      }
    },
    { when: whenSound("hosts", "nats", "benthos", "monitoring") },
  )
  .superRefine(
    ({ hosts, ...declared }, context) => {
      for (const host of Object.values(hosts).filter(({ services }) => services === "docker")) {
        const { nats, benthos } = onHost(host, declared);
        if (nats?.tls?.own === undefined || benthos === undefined) continue;
        // By this name a pipeline reaches the server in the network of the containers.
        for (const { key, message } of certificateProblems(nats.tls.own, ["nats-server"], Date.now()))
          context.addIssue({ code: "custom", path: ["nats", "tls", "own", key], message });
      }
    },
    { when: whenSound("hosts", "nats", "benthos") },
  )
  .superRefine(
    ({ namespaces, pulsar }, context) => {
      for (const [name, { offload }] of Object.entries(namespaces)) {
        if (pulsar === undefined) {
          context.addIssue({ code: "custom", path: ["namespaces", name], message: "allowed: with messaging:pulsar, which holds it" });
        } else if (offload !== undefined && pulsar.tieredStorage === undefined) {
          // Pulsar accepts an offload policy that nothing carries out.
          const message = "allowed: with messaging:pulsar.tieredStorage";
          context.addIssue({ code: "custom", path: ["namespaces", name, "offload"], message });
        }
      }
    },
    { when: whenSound("namespaces", "pulsar") },
  )
  .superRefine(
    (components, context) => {
      const users = new Map<number, string>();
      for (const { port, configPath } of wantedPorts(components)) {
        const user = users.get(port);
        // A component's own ports are its schema's concern.
        if (user === undefined) users.set(port, configPath);
        else if (user.split(".")[0] !== configPath.split(".")[0] || configPath.startsWith("benthos"))
          context.addIssue({ code: "custom", path: configPath.split("."), message: `allowed: a port other than ${user}` });
      }
    },
    { when: whenSound("nats", "pulsar", "benthos", "monitoring") },
  )
  .transform(({ ramBudget, ramReserve, ...rest }) => ({ ...rest, ramBudgetBytes: ramBudget, ramReserveBytes: ramReserve }));

/** The parsed stack config: plain data, every number with its unit in the name. */
export type Config = z.output<typeof configSchema>;

/** The declared components that a host carries, and nothing else. */
export function onHost<Declared extends Pick<Config, ComponentName>>(host: HostConfig, declared: Declared): Pick<Declared, ComponentName> {
  const names = carried(host, declared);
  return Object.fromEntries(names.map((name) => [name, declared[name]]));
}

/**
 * Checks the raw `messaging:*` values of a stack.
 * @param raw values by key without the `messaging:` prefix
 * @throws pulumi.RunError that lists every problem: the config path, what was given, and what is allowed
 */
export function parseConfig(raw: Readonly<Record<string, unknown>>): Config {
  const result = configSchema.safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describe(issue, raw));
  throw refusal(`${problems.length} problem(s) in the stack config`, problems);
}

/**
 * Reads and checks the stack config. The only place that reads pulumi config.
 * @throws pulumi.RunError as parseConfig does, and when a secret stands in the settings in clear
 */
export function loadConfig(): Config {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(pulumiConfig.allConfig())) {
    const [namespace, name] = key.split(":", 2);
    if (namespace === NAMESPACE && name !== undefined) raw[name] = structured(value);
  }
  const config = parseConfig(raw);
  const settings = readSettings();
  const problems = [...secretPaths(config), ...keyTexts(raw)]
    .filter((path) => !isSecret(`${NAMESPACE}:${path.split(".")[0]}`) || (settings !== undefined && !isEncrypted(settings, path)))
    .map((path) => {
      const advice = `pulumi config set --secret --path "${NAMESPACE}:${path}" < FILE`;
      return `${NAMESPACE}:${path}: stands in the settings in clear; allowed: a secret (${advice})`;
    });
  if (problems.length > 0) throw refusal(`${problems.length} problem(s) in the stack config`, problems);
  return config;
}

/** Where the config has secrets. */
function secretPaths({ hosts, benthos }: Config): string[] {
  const keys = Object.entries(hosts).filter(
    ([, host]) => host.connection === "ssh" && (host.privateKey ?? host.jump?.privateKey) !== undefined,
  );
  return [
    ...keys.map(([key]) => `hosts.${key}.privateKey`),
    ...Object.keys(benthos?.secrets ?? {}).map((name) => `benthos.secrets.${name}`),
  ];
}

/** Where the config has a private key itself, and not the path of a file with it. */
function keyTexts(raw: Readonly<Record<string, unknown>>): string[] {
  const keyOf = (server: string) =>
    (raw[server] as { readonly tls?: { readonly own?: { readonly key?: unknown } } } | undefined)?.tls?.own?.key;
  return ["nats", "pulsar"].filter((server) => isText(String(keyOf(server)))).map((server) => `${server}.tls.own.key`);
}

/** The values of the stack's settings as they stand in their file. Only who starts the CLI knows which file that is; undefined: nobody has said. */
function readSettings(): unknown {
  const path = process.env["MESSAGING_SETTINGS"];
  return path === undefined ? undefined : (parse(readFileSync(path, "utf8")) as { readonly config?: unknown } | null)?.config;
}

/** Is a value of the settings encrypted, or what it is part of? The engine knows only whether anything below a key of the stack is. */
export function isEncrypted(settings: unknown, path: string): boolean {
  const [top = "", ...keys] = path.split(".");
  const values = [`${NAMESPACE}:${top}`, ...keys].reduce<unknown[]>(
    (found, key) => [...found, (found.at(-1) as Readonly<Record<string, unknown>> | undefined)?.[key]],
    [settings],
  );
  return values.some((value) => typeof (value as { readonly secure?: unknown } | undefined)?.secure === "string");
}

/** Is the value of a key encrypted in the settings, or a part of it? The SDK knows and leaves it out of its types. */
function isSecret(key: string): boolean {
  return (pulumiConfig as unknown as { readonly isConfigSecret: (key: string) => boolean }).isConfigSecret(key);
}

/** The engine hands objects and numbers over as JSON and strings as they are. */
function structured(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const HIDDEN = "[secret]";

/** Keys of the config whose values are in no message, be they right or wrong. */
const SECRET_KEYS: readonly PropertyKey[] = ["key", "privateKey", "secrets"];

function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET_KEYS.includes(name) ? HIDDEN : value;
}

function describe(issue: z.core.$ZodIssue, raw: unknown): string[] {
  const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => {
    const given = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], raw);
    const found =
      issue.code === "unrecognized_keys"
        ? "unknown key"
        : given === undefined
          ? "not set"
          : `got ${path.some((key) => SECRET_KEYS.includes(key)) ? HIDDEN : JSON.stringify(given, withoutSecrets)}`;
    return `${NAMESPACE}:${path.map(String).join(".")}: ${found}; ${issue.message}`;
  });
}

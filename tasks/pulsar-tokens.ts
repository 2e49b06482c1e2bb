import * as pulumi from "@pulumi/pulumi";
import { derived, roleToken, tokenKey } from "../config/credentials";
import { ADMIN_ROLE, PIPELINES_ROLE, type PulsarAuth } from "../config/pulsar-auth";
import { validity } from "../config/tls";
import type { Host, Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import { secretFile } from "./secret-file";
import { generationSecrets, type Secret } from "./secrets";

/** The tokens of a Pulsar on a host. */
export interface PulsarTokens {
  /** What the broker and the tasks read is on the host. */
  readonly files: readonly Task[];
  /** The token of each role, by name. */
  readonly tokens: pulumi.Output<Readonly<Record<string, string>>>;
  /** The token of the pipelines, which have it where they run. */
  readonly pipelines: Secret;
}

/** Where the broker has its key. Each generation has a file of its own, so that another key changes standalone.conf, and the broker starts with it. */
export function tokenKeyPath(layout: Layout, { generation }: PulsarAuth): string {
  return layout.etc("pulsar", `token-${generation}.key`);
}

/** Where the token of the superuser is, which the broker reads too. */
export function adminTokenPath(layout: Layout): string {
  return layout.etc("pulsar", "admin.token");
}

/**
 * Declares the key of the tokens, and on the host files with it and with the token of each role. Tokens are renewed by the first up in each half of their lifetime, and
 * the old ones are valid to their end; who reads them from a file at each connection needs no restart.
 */
export function pulsarTokens(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly auth: PulsarAuth; readonly group: string | undefined; readonly after: readonly Task[] },
): PulsarTokens {
  const { auth, group, after } = args;
  const [master] = generationSecrets(parent, `${host.key}-pulsar-key`, [auth.generation]);
  if (master === undefined) throw new Error("no key signs the tokens");
  const key = master.apply((bytes) => tokenKey(derived(bytes, `${host.key}/pulsar/token-key`)));
  const valid = validity(auth.tokenLifetimeMilliseconds, Date.now());
  const token = (role: string) => key.apply((text) => roleToken(text, role, valid));
  const admin = token(ADMIN_ROLE);
  const write = (name: string, path: string, text: pulumi.Output<string>, forBroker: boolean) =>
    secretFile(host, parent, { name: `pulsar-${name}`, path, secret: { text, master }, group: forBroker ? group : undefined, after });
  const files = [
    write(`token-key-${auth.generation}`, tokenKeyPath(host.layout, auth), key, true),
    write("token-admin", adminTokenPath(host.layout), admin, true),
    write("admin-curl", host.layout.etc("pulsar", "admin.curl"), pulumi.interpolate`header = "Authorization: Bearer ${admin}"\n`, false),
    ...auth.roles.map((role) => write(`token-${role}`, host.layout.etc("pulsar", `tokens/${role}.token`), token(role), false)),
  ];
  const tokens = pulumi.all(Object.fromEntries([ADMIN_ROLE, ...auth.roles].map((role) => [role, token(role)])));
  return { files, tokens, pipelines: { text: token(PIPELINES_ROLE), master } };
}

import * as pulumi from "@pulumi/pulumi";
import { fingerprint } from "../config/credentials";
import type { Host, Task } from "../hosts/host";
import type { Secret } from "./secrets";

/** A file that has a secret. */
export interface SecretFile extends Task {
  readonly path: string;
  /** Changes with the secret and tells nothing about it. */
  readonly fingerprint: pulumi.Output<string>;
}

/** Writes a secret to a file of its own that takes effect at once and that nobody else may read. */
export function secretFile(
  host: Host,
  parent: pulumi.Resource,
  args: {
    /** Resource name without the host key. */
    readonly name: string;
    readonly path: string;
    readonly secret: Secret;
    /** Users of a service that read it besides its owner; undefined: nobody. */
    readonly group?: string | undefined;
    /** Who tries the secret before it takes effect, and the key of the config that has it; undefined: nobody does. */
    readonly check?: { readonly product: string; readonly version: string; readonly configPath: string } | undefined;
    readonly after: readonly Task[];
  },
): SecretFile {
  const { check, group } = args;
  const { text, master } = args.secret;
  // An HMAC under a key of the stack; the text itself stays a secret.
  const mark = pulumi.unsecret(pulumi.all([master, text]).apply(([key, body]) => fingerprint(key, body)));
  const task = host.run(parent, {
    name: args.name,
    script: "secret-file",
    uses: check === undefined ? [] : [`products/${check.product}.sh`],
    inputs: {
      FILE: args.path,
      ...(group === undefined ? {} : { GROUP: group }),
      ...(check === undefined ? {} : { CHECK: check.product, VERSION: check.version, KEY: `messaging:${check.configPath}` }),
    },
    late: pulumi.all([text, mark]).apply(([body, FINGERPRINT]) => ({ inputs: { FINGERPRINT }, body })),
    after: args.after,
  });
  return { ...task, path: args.path, fingerprint: mark };
}

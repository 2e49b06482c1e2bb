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
    readonly after: readonly Task[];
  },
): SecretFile {
  const { text, master } = args.secret;
  // An HMAC under a key of the stack; the text itself stays a secret.
  const mark = pulumi.unsecret(pulumi.all([master, text]).apply(([key, body]) => fingerprint(key, body)));
  const task = host.run(parent, {
    name: args.name,
    script: "secret-file",
    inputs: { FILE: args.path, ...(args.group === undefined ? {} : { GROUP: args.group }) },
    late: pulumi.all([text, mark]).apply(([body, FINGERPRINT]) => ({ inputs: { FINGERPRINT }, body })),
    after: args.after,
  });
  return { ...task, path: args.path, fingerprint: mark };
}

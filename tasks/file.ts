import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/**
 * Writes a file that takes effect at once; what a service reads is a config file, which the service puts into effect.
 * @param args.name resource name without the host key
 * @param args.mode permissions in octal, such as `600`
 * @param args.text known to the engine only where it follows from a secret
 */
export function file(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly name: string;
    readonly path: string;
    readonly mode: "600" | "640" | "644" | "700";
    /** Users of a service that read it besides its owner; undefined: nobody. */
    readonly group?: string | undefined;
    readonly text: string | pulumi.Output<string>;
    readonly after: readonly Task[];
  },
): Task {
  return host.run(parent, {
    name: args.name,
    script: "file",
    inputs: { FILE: args.path, MODE: args.mode, ...(args.group === undefined ? {} : { GROUP: args.group }) },
    ...(typeof args.text === "string" ? { body: args.text } : { late: args.text.apply((body) => ({ body })) }),
    after: args.after,
  });
}

import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/**
 * Writes a file that takes effect at once; what a service reads is a config file, which the service puts into effect.
 * @param args.name resource name without the host key
 * @param args.mode permissions in octal, such as `600`
 */
export function file(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly name: string;
    readonly path: string;
    readonly mode: "600" | "700";
    readonly text: string;
    readonly after: readonly Task[];
  },
): Task {
  return host.run(parent, {
    name: args.name,
    script: "file",
    inputs: { FILE: args.path, MODE: args.mode },
    body: args.text,
    after: args.after,
  });
}

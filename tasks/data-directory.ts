import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/** A directory for data, private to its owner. Removing it from the stack keeps the directory and what is in it. */
export function dataDirectory(host: Host, parent: pulumi.Resource, args: { readonly name: string; readonly path: string }): Task {
  return host.run(parent, { name: args.name, script: "data-directory", inputs: { DIRECTORY: args.path }, after: [] });
}

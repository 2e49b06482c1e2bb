import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { ServiceAccount } from "./service-account";

/**
 * A directory for data, private to its owner. Removing it from the stack keeps the directory and what is in it.
 * @param args.account whose it is; undefined: of the user that tasks run as
 */
export function dataDirectory(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly name: string; readonly path: string; readonly account?: ServiceAccount | undefined },
): Task {
  const { account } = args;
  return host.run(parent, {
    name: args.name,
    script: "data-directory",
    inputs: { DIRECTORY: args.path, ...(account === undefined ? {} : { OWNER: account.user }) },
    after: account === undefined ? [] : [account],
  });
}

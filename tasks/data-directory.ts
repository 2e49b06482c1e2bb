import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { ServiceAccount } from "./service-account";

/** A directory of a product. */
export interface DirectoryArgs {
  readonly name: string;
  readonly path: string;
  /** Whose it is; undefined: of the user that tasks run as. */
  readonly account?: ServiceAccount | undefined;
  readonly after?: readonly Task[];
}

/** A directory for data, private to its owner. Removing it from the stack keeps the directory and what is in it. */
export function dataDirectory(host: Host, parent: pulumi.Resource, args: DirectoryArgs): Task {
  return directory(host, parent, args, "data");
}

/** A directory for logs, private to its owner. It goes with the product. */
export function logDirectory(host: Host, parent: pulumi.Resource, args: DirectoryArgs): Task {
  return directory(host, parent, args, "logs");
}

function directory(
  host: Host,
  parent: pulumi.Resource,
  { name, path, account, after = [] }: DirectoryArgs,
  contents: "data" | "logs",
): Task {
  return host.run(parent, {
    name,
    script: "data-directory",
    inputs: { DIRECTORY: path, CONTENTS: contents, ...(account === undefined ? {} : { OWNER: account.user }) },
    after: [...(account === undefined ? [] : [account]), ...after],
  });
}

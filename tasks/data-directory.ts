import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import type { ServiceAccount } from "./service-account";

/** A directory of a product. */
export interface DirectoryArgs {
  readonly name: string;
  readonly path: string;
  /** Whose it is; undefined: of the user that tasks run as. */
  readonly account?: ServiceAccount | undefined;
  readonly after?: readonly Task[];
}

/**
 * A directory for data, private to its owner. Removing it from the stack keeps the directory and what is in it; another path is refused while the directory
 * of before has data and the new one none, unless `messaging:allowDataLoss` names `data/<product>`.
 */
export function dataDirectory(host: Host, parent: pulumi.Resource, args: DirectoryArgs): Task {
  return directory(host, parent, args, "data");
}

/** The same as plain data, to ask a host about it. */
export function dataDirectoryTask({ name, path, account }: DirectoryArgs): TaskText {
  return directoryTask({ name, path, account }, "data");
}

/** A directory for logs, private to its owner. It goes with the product. */
export function logDirectory(host: Host, parent: pulumi.Resource, args: DirectoryArgs): Task {
  return directory(host, parent, args, "logs");
}

function directoryTask({ name, path, account }: DirectoryArgs, contents: "data" | "logs"): TaskText {
  const object = `data/${name.replace(/-data$/, "")}`;
  const owner = account === undefined ? {} : { OWNER: account.user };
  return { name, script: "data-directory", inputs: { DIRECTORY: path, CONTENTS: contents, OBJECT: object, ...owner } };
}

function directory(host: Host, parent: pulumi.Resource, args: DirectoryArgs, contents: "data" | "logs"): Task {
  const { account, after = [] } = args;
  return host.run(parent, { ...directoryTask(args, contents), after: [...(account === undefined ? [] : [account]), ...after] });
}

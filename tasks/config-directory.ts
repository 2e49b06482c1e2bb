import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import { digest } from "../hosts/scripts";
import type { ConfigFile } from "./config-file";

/** Begins the lines of a file in the body of a task, before its path. */
const HEADER = "=== ";

/**
 * Writes a directory of config as one candidate after its consumer has checked it. The service task puts it into effect.
 * @param args.files texts by path below the directory
 * @throws Error when a line of a text would read as the beginning of another file
 */
export function configDirectory(
  host: Host,
  parent: pulumi.Resource,
  args: {
    /** Resource name without the host key. */
    readonly name: string;
    readonly path: string;
    readonly files: Readonly<Record<string, string>>;
    /** Product that checks the directory, the version whose word counts, and the environment that it is going to be read in. */
    readonly check: { readonly product: string; readonly version: string; readonly environment: ConfigFile };
    /** The group of the user that reads it; undefined: only the user that tasks run as. */
    readonly group?: string | undefined;
    readonly after: readonly Task[];
  },
): ConfigFile {
  const body = bodyOf(args.files);
  const task = host.run(parent, {
    name: args.name,
    script: "config-directory",
    uses: [`products/${args.check.product}.sh`],
    inputs: {
      ...(args.group === undefined ? {} : { GROUP: args.group }),
      DIRECTORY: args.path,
      CHECK: args.check.product,
      VERSION: args.check.version,
      ENVIRONMENT: args.check.environment.candidate,
    },
    body,
    after: [args.check.environment, ...args.after],
  });
  return { ...task, path: args.path, candidate: `${args.path}.${digest(body)}` };
}

function bodyOf(files: Readonly<Record<string, string>>): string {
  const ordered = Object.entries(files).sort(([one], [other]) => (one < other ? -1 : 1));
  return ordered
    .map(([path, text]) => {
      if (`\n${text}`.includes(`\n${HEADER}`)) throw new Error(`${path}: a line must not begin with "${HEADER}"`);
      return `${HEADER}${path}\n${text}${text.endsWith("\n") ? "" : "\n"}`;
    })
    .join("");
}

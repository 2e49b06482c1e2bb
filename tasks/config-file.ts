import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import { digest } from "../hosts/scripts";

/** A config candidate on a host, not yet in effect. */
export interface ConfigFile extends Task {
  /** Path of the live link. */
  readonly path: string;
  /** Path of the candidate, `<path>.<digest of the text>`, as scripts/tasks/config-file.sh computes it too. */
  readonly candidate: string;
}

/** Writes a config candidate after its consumer has checked it. The service task puts it into effect. */
export function configFile(
  host: Host,
  parent: pulumi.Resource,
  args: {
    /** Resource name without the host key. */
    readonly name: string;
    readonly path: string;
    readonly text: string;
    /** Config of the distribution whose keys the text overrides; undefined: the text is the whole file. */
    readonly base?: string;
    /** Product that checks the text, and the version whose word counts. */
    readonly check?: { readonly product: string; readonly version: string };
    /** Users of a service that read it besides its owner; undefined: nobody. */
    readonly group?: string | undefined;
    readonly after: readonly Task[];
  },
): ConfigFile {
  const task = host.run(parent, {
    name: args.name,
    script: "config-file",
    uses: args.check === undefined ? [] : [`products/${args.check.product}.sh`],
    inputs: {
      FILE: args.path,
      BASE: args.base ?? "",
      CHECK: args.check?.product ?? "",
      VERSION: args.check?.version ?? "",
      ...(args.group === undefined ? {} : { GROUP: args.group }),
    },
    body: args.text,
    after: args.after,
  });
  return { ...task, path: args.path, candidate: `${args.path}.${digest(args.text)}` };
}

import type * as pulumi from "@pulumi/pulumi";
import type { ProgramSource } from "../config/schema";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { artifact, type ArtifactArgs } from "./artifact";

/** Formula of each program that Homebrew has, with the tap where it is not Homebrew's own. */
const FORMULAS = { "nats-server": "nats-server", nats: "nats-io/nats-tools/nats", benthos: "benthos" } as const;

/** A program that may come from Homebrew. */
export interface ProgramArgs extends ArtifactArgs {
  readonly name: keyof typeof FORMULAS;
}

/** The task as plain data. Homebrew knows no build numbers of ours. */
export function homebrewTask({ task, name, version, link }: ProgramArgs): TaskText {
  const inputs = {
    NAME: name,
    VERSION: version.replace(/-\d+$/, ""),
    LINK: link ? "yes" : "no",
    FORMULA: FORMULAS[name],
    EXECUTABLE: name,
  };
  return { name: task, script: "homebrew", inputs };
}

/**
 * A program from where the config says: our own verified download, or Homebrew.
 * @param gojq reads Homebrew's answers on the host
 * @returns the task, and the version by which it is installed
 */
export function program(
  host: Host,
  parent: pulumi.Resource,
  source: ProgramSource,
  { gojq, ...args }: ProgramArgs & { readonly gojq: Task },
): { readonly task: Task; readonly version: string } {
  if (source === "download") return { task: artifact(host, parent, args), version: args.version };
  const text = homebrewTask(args);
  return { task: host.run(parent, { ...text, after: [gojq] }), version: String(text.inputs["VERSION"]) };
}

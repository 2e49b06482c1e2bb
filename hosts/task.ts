import { getProject, getStack } from "@pulumi/pulumi/metadata";
import { scriptDigest } from "./scripts";

/** What one step on a host is: a script of `scripts/tasks`, its inputs and the text it is about. Plain data. */
export interface TaskText {
  /** Resource name without the host key. Stable: no version, address or index. */
  readonly name: string;
  /** Script in `scripts/tasks`, without its suffix. */
  readonly script: string;
  /** Scripts that it sources besides the shared ones, as paths below `scripts/`. */
  readonly uses?: readonly string[];
  /** `KEY=value` inputs; keys in capitals, values of one line. */
  readonly inputs: Readonly<Record<string, string | number>>;
  /** Text that the task writes or reads, shown line by line in a preview. */
  readonly body?: string;
  /** Names of tasks of earlier versions of this project that this one takes over: leaving them out asks for nothing to be removed. */
  readonly earlier?: readonly string[];
}

/**
 * Format of the ledger's entries on a host. Raise it when what an entry holds is read in another way than before: entries of an earlier format are not
 * compared, the next up writes them anew, and a program that knows earlier formats only refuses the host.
 */
export const LEDGER_FORMAT = 1;

/** Project and stack, the key of a host's ledger. */
export function stackKey(): string {
  return `${getProject()}/${getStack()}`;
}

/** Resource name of a task on a host. */
export function resourceName(hostKey: string, task: Pick<TaskText, "name">): string {
  return `${hostKey}-${task.name}`;
}

/** What the launcher on the host reads on standard input: `KEY=value` lines, an empty line, the body. */
export function taskInputs(hostKey: string, prefix: string, task: TaskText): string {
  const inputs = {
    TASK: task.script,
    RESOURCE: resourceName(hostKey, task),
    STACK: stackKey(),
    PREFIX: prefix,
    FORMAT: LEDGER_FORMAT,
    SCRIPT: scriptDigest(task.script, task.uses ?? []),
    ...task.inputs,
  };
  return inputText(inputs, task.body);
}

/** Inputs and body as the launcher reads them. */
export function inputText(inputs: TaskText["inputs"], body = ""): string {
  const lines = Object.entries(inputs).map(([key, value]) => `${key}=${value}\n`);
  return `${lines.join("")}\n${body}`;
}

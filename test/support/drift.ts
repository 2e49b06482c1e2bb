import assert from "node:assert/strict";
import { note } from "./results";
import type { TestStack } from "./test-stack";

/**
 * Edits by hand that a preview must show, with what Ansible 2.19 and pyinfra 3.10 did with the same edit on a NATS host over SSH (twelve tasks, each edit made
 * once, a dry run and then a run); undefined: neither has a module for such objects, or it was not tried.
 */
export const DRIFTS = {
  "config line edited": ["seen, repaired, restarted", "seen, repaired, restarted"],
  "link deleted": ["seen, repaired, restarted", "seen, repaired, restarted"],
  "link repointed": undefined,
  "service stopped": ["seen, started", "seen, started"],
  "unit edited": ["seen, repaired, restarted", "seen, repaired, restarted"],
  "drop-in added": ["not seen", "not seen"],
  "service disabled": ["seen, enabled", "seen, enabled"],
  "memory cap of a container changed": undefined,
  "binary altered": ["seen, repaired, restarted", "hangs with --diff, else seen, repaired"],
  "owner of the data directory changed": ["seen, repaired", "seen, repaired"],
  "running config is not the file's": ["not seen", "not seen"],
  "change cut off between file and restart": ["not seen, old value runs", "not seen, old value runs"],
  "namespace policy changed by pulsar-admin": undefined,
  "partition added to a topic": undefined,
  "limit of a stream changed": undefined,
  "consumer deleted": undefined,
  "pipeline replaced through the streams API": undefined,
  "context of the nats CLI edited": undefined,
  "script of a task edited": undefined,
} as const satisfies Readonly<Record<string, readonly [ansible: string, pyinfra: string] | undefined>>;

/** Name of an edit. */
export type DriftName = keyof typeof DRIFTS;

/** What came of one, a line of JSON in the file that DRIFT_RESULTS names. */
export interface DriftResult {
  readonly name: DriftName;
  /** Connection and service manager of the host. */
  readonly where: string;
  readonly outcome: string;
  /** The difference as the preview showed it. */
  readonly shown: readonly string[];
}

/** An edit by hand and what follows from it. */
export interface Drift {
  readonly name: DriftName;
  readonly where: string;
  readonly edit: () => void | Promise<void>;
  /** The difference, as a preview shows it. */
  readonly shown: RegExp;
  /** Tasks that differ themselves; up may apply these and what depends on them, nothing else. */
  readonly tasks: readonly string[];
  /** Tasks that follow: those of the same service, and its proof. */
  readonly followers?: readonly string[];
}

const COMMENT = /^ *\+? *# /;

/**
 * Makes an edit by hand, and asserts that a plain preview shows it in words with the time of the last up, that `npm run drift` agrees with it, that up applies
 * exactly the tasks it concerns, and that the next preview is empty.
 */
export async function seeAndRepair(stack: TestStack, { name, where, edit, shown, tasks, followers = [] }: Drift): Promise<void> {
  await edit();
  const { status, output } = stack.operate("preview", "--diff");
  assert.equal(status, 0, output);
  assert.match(output, shown, name);
  assert.match(output, /# drift; last applied \d{4}-\d\d-\d\dT/);
  const rows = [...output.matchAll(/\[urn=urn:[^\]]*\$command:[^\]]*::([\w.-]+)\]/g)].map(([, row = ""]) => row);
  assert.deepEqual([...new Set(rows)].sort(), [...tasks, ...followers].sort(), `${name}: rows of the preview\n${output}`);
  const drift = driftOf(stack);
  assert.equal(drift.status, 2, `${name}: npm run drift`);
  for (const task of tasks) assert.ok(drift.tasks.includes(task), `${name}: npm run drift without ${task}`);
  // What a server cannot do any more may show on its objects, sooner or later.
  for (const task of drift.tasks) assert.ok(rows.includes(task), `${name}: npm run drift with ${task}`);

  const up = stack.operate("up", "--diff");
  assert.equal(up.status, 0, up.output);
  const empty = stack.operate("preview", "--expect-no-changes");
  assert.equal(empty.status, 0, `${name}: the preview after up\n${empty.output}`);

  const words = output.split("\n").filter((line) => COMMENT.test(line) && /(expected|found): /.test(line));
  record({ name, where, outcome: "seen, repaired, then empty", shown: words.map((line) => line.replace(COMMENT, "")) });
}

/** Notes what came of an edit for the table. */
export function record(result: DriftResult): void {
  note("DRIFT_RESULTS", result);
}

/** Exit code of `npm run drift` and the tasks that it names. */
function driftOf(stack: TestStack): { readonly status: number | null; readonly tasks: string[] } {
  const { status, output } = stack.run(process.execPath, "--import", "tsx", "operations/drift.ts", "--json");
  const { drift } = JSON.parse(output.slice(output.indexOf("{"))) as { drift: { task: string }[] };
  return { status, tasks: drift.map(({ task }) => task) };
}

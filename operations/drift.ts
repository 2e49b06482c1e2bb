import { parseArgs } from "node:util";
import { observe } from "../hosts/observe";
import { onHost } from "../hosts/ssh";
import { deployedHosts, STACK } from "./stack-state";

/** One task whose host is not as it was applied. */
interface Drift {
  readonly task: string;
  /** When it was last applied, ISO 8601; undefined where the host's ledger does not know it. */
  readonly applied: string | undefined;
  /** Expected and found, a line each. */
  readonly differences: readonly string[];
}

/** What differs on the hosts of the stack from what was applied. Exit code 0: nothing, 2: drift, 1: error. */
async function drift(): Promise<Drift[]> {
  const perHost = deployedHosts().map(async ({ config, prefix, tasks }) => {
    const observed = await onHost(config, (run) => observe(run, { prefix, stack: `messaging/${STACK}`, ports: [] }));
    return tasks.map((task) => ({
      task,
      applied: observed.tasks.get(task)?.applied,
      differences: observed.tasks.get(task)?.differences ?? ["found:    nothing on this host"],
    }));
  });
  return (await Promise.all(perHost)).flat().filter(({ differences }) => differences.length > 0);
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
drift().then(
  (found) => {
    if (values.json) console.log(JSON.stringify(found, undefined, 2));
    else if (found.length === 0) console.log("no drift");
    for (const { task, applied, differences } of values.json ? [] : found) {
      console.log(`${task}, last applied ${applied ?? "never on this host"}`);
      for (const line of differences) console.log(`  ${line}`);
    }
    process.exitCode = found.length === 0 ? 0 : 2;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);

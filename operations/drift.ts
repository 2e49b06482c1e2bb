import { parseArgs } from "node:util";
import { observe } from "../hosts/observe";
import type { RunProgram } from "../hosts/run";
import { scriptText } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { askHosts } from "./ask-hosts";
import { endWith, messageOf } from "./program";
import { LEDGER } from "./stack-state";

/** One task whose host is not as it was applied. */
interface Drift {
  readonly task: string;
  /** When it was last applied, ISO 8601; undefined where the host's ledger does not know it. */
  readonly applied: string | undefined;
  /** Expected and found, a line each. */
  readonly differences: readonly string[];
}

/** What a look at the hosts says. */
interface Report {
  readonly drift: readonly Drift[];
  /** Objects that the stack does not own and leaves alone, by host. They are no drift. */
  readonly unmanaged: Readonly<Record<string, readonly string[]>>;
}

/** Leaves on a host what came of the check, for its metrics; a host that takes no file has answered all the same. @param drifted undefined: the check failed */
async function leave(run: RunProgram, prefix: string, drifted?: number): Promise<void> {
  await run(scriptText("drift-check.sh"), [prefix, ...(drifted === undefined ? [] : [String(drifted)])]).catch((error: unknown) =>
    console.error(`the outcome could not be left for metrics: ${messageOf(error)}`),
  );
}

/** What differs on the hosts of the stack from what was applied, and why hosts did not answer. */
async function drift(): Promise<{ readonly report: Report; readonly silent: readonly string[] }> {
  const { answers, silent } = await askHosts(({ config, prefix, tasks }) =>
    onHost(config, async (run) => {
      const observed = await observe(run, { prefix, stack: LEDGER, ports: [] }).catch(async (error: unknown) => {
        await leave(run, prefix);
        throw error;
      });
      const all = tasks.map((task) => ({
        task,
        applied: observed.tasks.get(task)?.applied,
        differences: observed.tasks.get(task)?.differences ?? ["found:    nothing on this host"],
      }));
      const drifted = all.filter(({ differences }) => differences.length > 0);
      await leave(run, prefix, drifted.length);
      return { drift: drifted, unmanaged: observed.unmanaged };
    }),
  );
  const unmanaged = Object.fromEntries([...answers].map(([key, host]) => [key, host.unmanaged]));
  return { report: { drift: [...answers.values()].flatMap((host) => host.drift), unmanaged }, silent };
}

function show({ drift: found, unmanaged }: Report, complete: boolean): void {
  if (found.length === 0 && complete) console.log("no drift");
  for (const { task, applied, differences } of found) {
    console.log(`${task}, last applied ${applied ?? "never on this host"}`);
    for (const line of differences) console.log(`  ${line}`);
  }
  for (const [host, objects] of Object.entries(unmanaged)) {
    if (objects.length > 0) console.log(`host ${host}, not managed by this stack and left alone`);
    for (const line of objects) console.log(`  ${line}`);
  }
}

// Exit code 0: nothing differs, 2: drift, 1: an error, or a host that does not answer.
const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
endWith(
  drift().then(({ report, silent }) => {
    if (values.json) console.log(JSON.stringify(report, undefined, 2));
    else show(report, silent.length === 0);
    for (const line of silent) console.error(line);
    return silent.length > 0 ? 1 : report.drift.length === 0 ? 0 : 2;
  }),
);

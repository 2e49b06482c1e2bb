import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { scriptText } from "./scripts";
import { LEDGER_FORMAT } from "./task";

/** A process that listens on a port we want. */
export interface Listener {
  readonly port: number;
  /** Process id, or undefined where this user may not know it. */
  readonly pid: number | undefined;
  /** Its command line. */
  readonly command: string;
}

/** What a task's ledger entry and the host say about it. */
export interface ObservedTask {
  /** When it was last applied, ISO 8601. */
  readonly applied: string;
  /** What differs from what was applied, a line each; empty when nothing does. */
  readonly differences: readonly string[];
  /** Is its entry in a format that is not read any more? Nothing is compared then. */
  readonly outdated: boolean;
}

/** A task that a host may refuse, asked about before anything is changed. */
export interface Guarded {
  /** Resource name, and those of earlier versions of this project that it takes over. */
  readonly resources: readonly string[];
  /** What its launcher would read. */
  readonly inputs: string;
}

/** What a host is, before anything is changed. */
export interface Observation {
  /** When it was looked at, ISO 8601. */
  readonly time: string;
  /** Operating system and architecture in Go's words, such as `linux-amd64`. */
  readonly platform: string;
  readonly memoryBytes: number;
  readonly listeners: readonly Listener[];
  /** Project and stack that installed into our prefix, or undefined on a bare host. */
  readonly stack: string | undefined;
  /** Ids of the processes that our prefix runs. */
  readonly ownPids: ReadonlySet<number>;
  readonly tasks: ReadonlyMap<string, ObservedTask>;
  /** The newest format among the ledger's entries; 0 where there are none. */
  readonly ledgerFormat: number;
  /** Why a declared change must not be applied, a line each. */
  readonly refusals: readonly string[];
}

/**
 * Observes the local host in one run of scripts/observe.sh.
 * @param stack project and stack, the key of the ledger
 * @param ports ports whose listeners are asked for
 * @param guarded declared tasks that the host may refuse; undefined: look only
 * @throws Error when the script fails or does not end within 60 s, and when a newer version of this project wrote the ledger
 */
export async function observeLocal(
  prefix: string,
  stack: string,
  ports: readonly number[],
  guarded?: readonly Guarded[],
): Promise<Observation> {
  const observation = parseObservation(await runLocal(observeProgram(guarded), [prefix, stack, ...ports.map(String)]));
  if (observation.ledgerFormat > LEDGER_FORMAT) {
    throw new Error(
      `its ledger below ${prefix} has format ${observation.ledgerFormat}, written by a newer version of this project; ` +
        `this one reads up to format ${LEDGER_FORMAT}: update the clone`,
    );
  }
  return observation;
}

/** The shell program that observes a host; parameters as observeLocal has them. */
export function observeProgram(guarded?: readonly Guarded[]): string {
  const declared = guarded === undefined ? "" : `DECLARED='${guarded.flatMap(({ resources }) => resources).join(" ")}'\n`;
  const guards = (guarded ?? []).map(({ inputs }) => `guard <<'END OF GUARD'\n${inputs}END OF GUARD\n`);
  return `${scriptText("observe.sh")}\nFORMAT=${LEDGER_FORMAT}\n${declared}${guards.join("")}observe_tasks\n`;
}

/**
 * Runs a shell program on the local host without anything of ours installed.
 * @returns what it prints
 * @throws Error when it fails or does not end within 60 s
 */
export async function runLocal(program: string, args: readonly string[]): Promise<string> {
  const shell = promisify(execFile)("sh", ["-s", "--", ...args], { timeout: 60_000, maxBuffer: 64 * 2 ** 20 });
  shell.child.stdin?.end(program);
  return (await shell).stdout;
}

/** Reads the lines that scripts/observe.sh prints. */
export function parseObservation(output: string): Observation {
  const facts = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  const of = (kind: string) => facts.filter(([first]) => first === kind).map(([, ...fields]) => fields);
  const differences = of("difference");
  return {
    time: new Date().toISOString(),
    platform: of("platform")[0]?.[0] ?? "unknown",
    memoryBytes: Number(of("memory")[0]?.[0] ?? NaN),
    listeners: of("listener").map(([port, pid, command]) => ({
      port: Number(port),
      pid: pid === "unknown" ? undefined : Number(pid),
      command: (command ?? "").trim(),
    })),
    stack: of("stack")[0]?.[0],
    ownPids: new Set(of("own").map(([pid]) => Number(pid))),
    refusals: of("refusal").map(([line]) => line ?? ""),
    ledgerFormat: Math.max(0, ...of("task").map(([, , format]) => Number(format ?? 0))),
    tasks: new Map(
      of("task").map(([resource = "", applied = "", format]) => [
        resource,
        {
          applied,
          differences: differences.filter(([name]) => name === resource).map(([, line]) => line ?? ""),
          outdated: format !== undefined && Number(format) < LEDGER_FORMAT,
        },
      ]),
    ),
  };
}

import { parseArgs } from "node:util";
import type { RunProgram } from "../hosts/run";
import { ledgerProgram } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { askHosts } from "./ask-hosts";
import { interrupted, pause } from "./interrupted";
import { endWith } from "./program";
import { type DeployedHost, deployedHosts, LEDGER, STACK } from "./stack-state";

const USAGE = "npm run logs -- SERVICE [--host KEY] [--lines NUMBER] [--follow]";

/** Services by the name of their component, where that is another. */
const SERVICES: Readonly<Record<string, string>> = { nats: "nats-server" };

/** How often a followed log is asked for what is new. */
const PAUSE_SECONDS = 1;

/** Before the position of the end, in what scripts/logs.sh prints. */
const SEPARATOR = "\u001e";

interface Wanted {
  readonly service: string;
  /** Of the last lines. */
  readonly lines: number;
  readonly follow: boolean;
}

/** Services that a host has. */
function servicesOf({ key, tasks }: DeployedHost): string[] {
  return tasks.filter((task) => task.endsWith("-service")).map((task) => task.slice(`${key}-`.length, -"-service".length));
}

/**
 * Prints a log from its last lines on, and what comes after when it is followed: a short question each second, so that nothing stays on a host.
 * @param print gets each piece as it comes
 */
async function printLog(run: RunProgram, prefix: string, { service, lines, follow }: Wanted, print: (text: string) => void): Promise<void> {
  let position = "";
  do {
    const report = await run(ledgerProgram("logs.sh", prefix, LEDGER, { WANTED: service, LINES: lines, POSITION: position }), []);
    const end = report.lastIndexOf(SEPARATOR);
    print(end < 0 ? report : report.slice(0, end));
    // A log that says nothing new keeps its position.
    if (end >= 0) position = report.slice(end + 1).trim();
    if (follow) await pause(PAUSE_SECONDS);
  } while (follow && !interrupted.aborted);
}

/** What the user asks for. @throws Error that says what is allowed */
function wanted(): Wanted & { readonly hosts: readonly DeployedHost[] } {
  const { values, positionals } = parseArgs({
    options: { host: { type: "string" }, lines: { type: "string", default: "100" }, follow: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [name = ""] = positionals;
  const lines = Number(values.lines);
  if (positionals.length !== 1 || !Number.isInteger(lines) || lines < 0) throw new Error(USAGE);
  const service = SERVICES[name] ?? name;
  const all = deployedHosts();
  const hosts = all.filter(({ key }) => values.host === undefined || key === values.host);
  if (hosts.length === 0) {
    throw new Error(values.host === undefined ? "nothing is deployed; npm run up" : `the stack ${STACK} has no host ${values.host}`);
  }
  const carrying = hosts.filter((host) => servicesOf(host).includes(service));
  if (carrying.length === 0) {
    throw new Error(`${name}: allowed: ${[...new Set(hosts.flatMap(servicesOf))].join(", ")}\n${USAGE}`);
  }
  return { service, lines, follow: values.follow, hosts: carrying };
}

async function logs(): Promise<readonly string[]> {
  const { hosts, ...what } = wanted();
  const { silent } = await askHosts(async ({ key, config, prefix }) => {
    const print = (text: string) => process.stdout.write(hosts.length === 1 ? text : text.replace(/^(?=.)/gm, `${key}: `));
    try {
      await onHost(config, (run) => printLog(run, prefix, what, print));
    } catch (error) {
      // The question that was under way is interrupted too.
      if (!interrupted.aborted) throw error;
    }
  }, hosts);
  return silent;
}

endWith(
  logs().then((silent) => {
    for (const line of silent) console.error(line);
    return silent.length === 0 ? 0 : 1;
  }),
);

import { parseArgs } from "node:util";
import { ledgerProgram } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { askHosts } from "./ask-hosts";
import { interrupted, pause } from "./interrupted";
import { endWith } from "./program";
import { type DeployedHost, deployedHosts, LEDGER } from "./stack-state";
import { parseSamples, type ServiceStatus, withRates } from "./status-report";
import { statusLines } from "./status-view";

/** Between the two looks that rates come from. */
const SECONDS = 1;

/** The same while it is watched. */
const WATCH_SECONDS = 2;

/** Component that a service belongs to, as the memory plan names it. */
const COMPONENTS: Readonly<Record<string, string>> = { "nats-server": "nats" };

interface Report {
  readonly services: ServiceStatus[];
  readonly silent: readonly string[];
}

/** Looks at the hosts twice. @param seconds in between */
async function status(hosts: readonly DeployedHost[], seconds: number): Promise<Report> {
  const { answers, silent } = await askHosts(
    ({ key, config, prefix, byComponent, enforcement }) =>
      onHost(config, async (run): Promise<ServiceStatus[]> => {
        const look = async () => {
          const services = parseSamples(await run(ledgerProgram("status.sh", prefix, LEDGER), []));
          return { services, at: performance.now() };
        };
        const before = await look();
        await pause(seconds);
        const after = await look();
        const earlier = new Map(before.services.map(({ service, product }) => [service, product]));
        return after.services.map(({ product, ...sample }) => ({
          host: key,
          ...sample,
          capBytes: byComponent[COMPONENTS[sample.service] ?? sample.service],
          enforcement,
          product: product && withRates(earlier.get(sample.service), product, (after.at - before.at) / 1000),
        }));
      }),
    hosts,
  );
  return { services: [...answers.values()].flat(), silent };
}

function show({ services, silent }: Report, json: boolean): void {
  if (json) console.log(JSON.stringify(services, undefined, 2));
  else if (services.length === 0 && silent.length === 0) console.log("nothing is deployed; npm run up");
  else for (const line of services.flatMap(statusLines)) console.log(line);
  for (const line of silent) console.error(line);
}

/** Repeats it until the user has seen enough; with `json` a document a line. */
async function watch(json: boolean): Promise<void> {
  const hosts = deployedHosts();
  for (;;) {
    const report = await status(hosts, WATCH_SECONDS);
    // What was under way when the user had seen enough was cut off.
    if (interrupted.aborted) return;
    if (json) {
      console.log(JSON.stringify(report.services));
      for (const line of report.silent) console.error(line);
      continue;
    }
    console.clear();
    console.log(`${new Date().toISOString()}  until Ctrl-C`);
    show(report, false);
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { json: { type: "boolean", default: false }, watch: { type: "boolean", default: false } } });
  if (values.watch) {
    await watch(values.json);
    return 0;
  }
  const report = await status(deployedHosts(), SECONDS);
  show(report, values.json);
  return report.silent.length === 0 && report.services.every(({ product }) => product !== undefined) ? 0 : 1;
}

endWith(main());

import { parseArgs } from "node:util";
import { ledgerProgram } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { growth } from "../policies/disk";
import { parts } from "../policies/ram";
import { type Component, hosts, type Host } from "../policies/stack";
import { MEBIBYTE } from "../policies/units";
import { askHosts } from "./ask-hosts";
import { endWith } from "./program";
import { type DeployedHost, deployedHosts, LEDGER, stackResources } from "./stack-state";
import { table } from "./table";

/** What a component may use and what it uses. */
interface RamRow {
  readonly component: string;
  /** Bytes by part; their sum is the plan. */
  readonly parts: Readonly<Record<string, number>>;
  readonly plannedBytes: number;
  /** Undefined while it does not run, or its host cannot be asked. */
  readonly measuredBytes: number | undefined;
}

interface DiskRow {
  readonly what: string;
  readonly directory: string;
  readonly plannedBytes: number;
}

interface HostBudget {
  readonly host: string;
  readonly budgetBytes: number;
  readonly reserveBytes: number;
  /** `cgroup` where the planned figures are caps that the kernel keeps, else `runtime`: each server keeps to its own limits. */
  readonly enforcement: string;
  readonly ram: readonly RamRow[];
  readonly disk: readonly DiskRow[];
  /** Bytes in each directory; empty where the host cannot be asked. */
  readonly usedBytes: Readonly<Record<string, number>>;
  readonly fileSystems: readonly { readonly mount: string; readonly sizeBytes: number; readonly availableBytes: number }[];
}

/** Service that a component runs; one of several processes has more of them, whose names begin with it. */
const SERVICES: Readonly<Record<string, string>> = {
  NatsJetStream: "nats-server",
  PulsarStandalone: "pulsar",
  BenthosPipelines: "benthos",
  Monitoring: "prometheus",
  HostTools: "supervisord",
};

/** What scripts/usage.sh measures, by kind. */
async function usage({ config, prefix }: DeployedHost, directories: readonly string[]): Promise<string[][]> {
  const output = await onHost(config, (run) => run(ledgerProgram("usage.sh", prefix, LEDGER), directories));
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
}

async function budget(): Promise<{ readonly budgets: HostBudget[]; readonly silent: readonly string[] }> {
  const planned = new Map(hosts(stackResources()).map((host) => [host.name, host]));
  const plan = (key: string): Host => {
    const host = planned.get(key);
    if (host === undefined) throw new Error(`the state has no plan of host ${key}; run npm run up once`);
    return host;
  };
  const { answers, silent } = await askHosts((host) => usage(host, [...new Set(growth(plan(host.key)).map(({ path }) => path))]));
  const budgets = deployedHosts().map(({ key, enforcement }) => ofHost(plan(key), enforcement, answers.get(key) ?? []));
  return { budgets, silent };
}

/** @param measured empty where the host does not answer */
function ofHost(host: Host, enforcement: string, measured: readonly string[][]): HostBudget {
  const of = (kind: string) => measured.filter(([first]) => first === kind).map(([, ...fields]) => fields);
  const memory = of("memory").map(([service = "", bytes]) => [service, Number(bytes)] as const);
  const fileSystems = of("space").map(([, mount = "", size, available]): [string, HostBudget["fileSystems"][number]] => [
    mount,
    { mount, sizeBytes: Number(size), availableBytes: Number(available) },
  ]);
  return {
    host: host.name,
    budgetBytes: Number(host.props["ramBudgetBytes"]),
    reserveBytes: Number(host.props["ramReserveBytes"]),
    enforcement,
    ram: host.components.map((component) => ramRow(component, memory)).filter(({ plannedBytes }) => plannedBytes > 0),
    disk: growth(host).map(({ what, path, bytes }) => ({ what, directory: path, plannedBytes: bytes })),
    usedBytes: Object.fromEntries(of("disk").map(([directory = "", bytes]) => [directory, Number(bytes)])),
    fileSystems: [...new Map(fileSystems).values()],
  };
}

function ramRow(component: Component, memory: readonly (readonly [service: string, bytes: number])[]): RamRow {
  const service = SERVICES[component.type] ?? "";
  const own = memory.filter(([name]) => name === service || name.startsWith(`${service}-`));
  return {
    component: component.name,
    parts: parts(component),
    plannedBytes: Number(component.props["memoryBytes"]),
    measuredBytes: own.length === 0 ? undefined : own.reduce((sum, [, bytes]) => sum + bytes, 0),
  };
}

const mib = (bytes: number | undefined) =>
  bytes === undefined ? "-" : bytes === Infinity ? "no limit" : String(Math.ceil(bytes / MEBIBYTE));

function show({ host, budgetBytes, reserveBytes, enforcement, ram, disk, usedBytes, fileSystems }: HostBudget): void {
  const planned = ram.reduce((sum, row) => sum + row.plannedBytes, 0);
  const share = (bytes: number) => `${((100 * bytes) / budgetBytes).toFixed(1)} %`;
  console.log(`host ${host}: memory in MiB, budget ${mib(budgetBytes)}, reserve beside it ${mib(reserveBytes)}`);
  const rows = ram.flatMap((row) => {
    const named = Object.entries(row.parts).filter(([, bytes]) => bytes > 0);
    const whole = [row.component, "together", mib(row.plannedBytes), share(row.plannedBytes), enforcement, mib(row.measuredBytes)];
    const single = named.length > 1 ? named.map(([part, bytes]) => ["", part, mib(bytes), share(bytes), "", ""]) : [];
    return [whole, ...single];
  });
  const measured = ram.every((row) => row.measuredBytes === undefined)
    ? undefined
    : ram.reduce((sum, row) => sum + (row.measuredBytes ?? 0), 0);
  const sum = ["all", "together", mib(planned), share(planned), "", mib(measured)];
  console.log(table([["component", "part", "planned", "of budget", "enforced by", "measured"], ...rows, sum], 2));
  if (disk.length === 0) return;
  console.log("\ndisk in MiB");
  console.log(table([["what", "directory", "planned"], ...disk.map((row) => [row.what, row.directory, mib(row.plannedBytes)])], 2));
  const total = disk.reduce((bytes, row) => bytes + row.plannedBytes, 0);
  for (const [directory, bytes] of Object.entries(usedBytes)) console.log(`  ${directory} holds ${mib(bytes)}`);
  for (const { mount, sizeBytes, availableBytes } of fileSystems)
    console.log(`  ${mount} has ${mib(sizeBytes)}, ${mib(availableBytes)} available`);
  console.log(`  planned together ${mib(total)}`);
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
endWith(
  budget().then(({ budgets, silent }) => {
    if (values.json) console.log(JSON.stringify(budgets, undefined, 2));
    else if (budgets.length === 0) console.log("nothing is deployed; npm run up");
    else budgets.forEach(show);
    for (const line of silent) console.error(`${line}; of it the plan alone is shown`);
    return silent.length === 0 ? 0 : 1;
  }),
);

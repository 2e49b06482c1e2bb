// What each further object costs: previews and ups of 10 to 500 streams and namespaces against as many commands that do nothing, and of one to four hosts over
// SSH. Prints, judges nothing.
import { Machine, noMachines } from "../test/support/machine";
import { freePorts } from "../test/support/temporary";
import { TestStack } from "../test/support/test-stack";
import { startFloor } from "./floor/start";
import { measured } from "./peak";
import { drawInDocs, say } from "./report";
import { MEBIBYTE } from "./statistics";

const OBJECTS = [10, 100, 500];
const HOSTS = [1, 2, 4];

const STEPS = ["first up", "preview", "up without a change"] as const;

/** Seconds of each step, and the most memory that it takes in processes of its own. */
type Costs = Readonly<Record<(typeof STEPS)[number], { readonly seconds: number; readonly peakBytes: number }>>;

async function costs(up: () => void, preview: () => void): Promise<Costs> {
  return { "first up": await measured(up), preview: await measured(preview), "up without a change": await measured(up) };
}

/** Objects of a server that is there already, and its settings with and without them. */
type Objects = (stack: TestStack) => Promise<(count: number) => void>;

/** Without fsync, which would time the disk. */
const streams: Objects = (stack) =>
  Promise.resolve((count) => {
    const of = (n: number) => [`stream${n}`, { preset: "workQueue", subjects: [`s${n}.>`], maxBytes: "1MB" }] as const;
    stack.configure({ durability: "interval", streams: Object.fromEntries(Array.from({ length: count }, (_, n) => of(n))) });
  });

const namespaces: Objects = async (stack) => {
  const [broker, web, bookie] = await freePorts(3);
  return (count) => {
    const of = (n: number) => [`bench/n${n}`, { retention: { time: "1h", size: "1GiB" }, messageTtl: "1d" }] as const;
    stack.configureWithoutNats({
      pulsar: { ports: { broker, web, bookie } },
      namespaces: Object.fromEntries(Array.from({ length: count }, (_, n) => of(n))),
    });
  };
};

async function ours(objects: Objects, count: number): Promise<Costs> {
  const stack = await TestStack.forPulumi();
  const run = (operation: "up" | "preview") => {
    const { status, output } = stack.operate(operation);
    if (status !== 0) throw new Error(output);
  };
  try {
    const configure = await objects(stack);
    configure(0);
    run("up");
    configure(count);
    return await costs(
      () => run("up"),
      () => run("preview"),
    );
  } finally {
    stack.operate("destroy");
    stack.dispose();
  }
}

async function floor(count: number): Promise<Costs> {
  const stack = startFloor(count);
  try {
    return await costs(
      () => stack.up(),
      () => stack.preview(),
    );
  } finally {
    stack.dispose();
  }
}

/** NATS on bare hosts over SSH. */
async function hosts(count: number): Promise<Costs> {
  const machines: Machine[] = [];
  const stack = await TestStack.forPulumi();
  const run = (operation: "up" | "preview") => {
    const { status, output } = stack.operate(operation);
    if (status !== 0) throw new Error(output);
  };
  try {
    while (machines.length < count) machines.push(await Machine.boot([], ["python3"]));
    const entries = machines.map(({ port, hostKey }, index) => [
      `host${index}`,
      { connection: "ssh", host: "127.0.0.1", port, user: "root", hostKey, components: ["nats"] },
    ]);
    stack.configureWithoutNats({ hosts: Object.fromEntries(entries) as object, nats: { jetstream: { maxFileStore: "1GB" } } });
    for (const [index, { privateKey }] of machines.entries()) stack.setSecret(`hosts.host${index}.privateKey`, privateKey);
    return await costs(
      () => run("up"),
      () => run("preview"),
    );
  } finally {
    stack.dispose();
    for (const machine of machines) await machine.dispose();
  }
}

/** Costs of one size, with ours and, where there is something to compare with, without. */
interface Row {
  readonly count: number;
  readonly ours: Costs;
  readonly floor?: Costs;
}

/** Prints seconds and memory of each size, and the milliseconds of one more object between the smallest and the others. */
function print(what: string, rows: readonly Row[]): void {
  const [first] = rows;
  for (const step of STEPS) {
    say(`${`${what}, ${step}`.padEnd(46)}${columns("ours s", "floor s", "ours MiB", "floor MiB")}   one more: ours ms, floor ms`);
    for (const row of rows) {
      const all = [row.ours[step], row.floor?.[step]];
      const more = [first?.ours[step], first?.floor?.[step]].map((least, who) => {
        const cost = all[who];
        if (cost === undefined || least === undefined || row === first) return "-";
        return (((cost.seconds - least.seconds) * 1000) / (row.count - (first?.count ?? 0))).toFixed(1);
      });
      const seconds = all.map((cost) => cost?.seconds.toFixed(1) ?? "-");
      const memory = all.map((cost) => (cost === undefined ? "-" : (cost.peakBytes / MEBIBYTE).toFixed(0)));
      say(
        `  ${String(row.count).padEnd(44)}${columns(...seconds, ...memory)}   ${(more[0] ?? "").padStart(18)}${(more[1] ?? "").padStart(10)}`,
      );
    }
  }
}

function columns(...values: readonly string[]): string {
  return values.map((value) => value.padStart(10)).join("");
}

/** Draws the seconds of streams and of as many commands. */
function draw(rows: readonly Required<Row>[]): void {
  drawInDocs("growth.svg", {
    title: "Streams against as many commands that do nothing (seconds)",
    series: [
      { name: "streams", color: "#1f77b4" },
      { name: "commands", color: "#999999" },
    ],
    groups: STEPS.flatMap((step) =>
      rows.map(({ count, ours, floor }) => ({
        name: `${step}, ${count}`,
        values: [ours, floor].map((costs) => Number(costs[step].seconds.toFixed(1))),
      })),
    ),
  });
}

/** Prints what streams, namespaces and hosts cost. */
export async function benchGrowth(): Promise<void> {
  const floors: { readonly count: number; readonly floor: Costs }[] = [];
  for (const count of OBJECTS) floors.push({ count, floor: await floor(count) });
  const rows = async (objects: Objects) => {
    const all: Required<Row>[] = [];
    for (const { count, floor } of floors) all.push({ count, ours: await ours(objects, count), floor });
    return all;
  };
  const ofStreams = await rows(streams);
  print("JetStream streams", ofStreams);
  draw(ofStreams);
  print("Pulsar namespaces", await rows(namespaces));
  const reason = noMachines();
  if (reason !== undefined) throw new Error(reason);
  const servers: Row[] = [];
  for (const count of HOSTS) servers.push({ count, ours: await hosts(count) });
  print("hosts over SSH with NATS", servers);
}

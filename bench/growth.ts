// What each further object costs: previews and ups of 10 to 500 streams, each an object of its own, against as many commands that do nothing, and of one to four
// hosts over SSH. Prints, judges nothing.
import { Machine, noMachines } from "../test/support/machine";
import { TestStack } from "../test/support/test-stack";
import { startFloor } from "./floor/start";

const STREAMS = [10, 100, 500];
const HOSTS = [1, 2, 4];

const STEPS = ["first up", "preview", "up without a change"] as const;

/** Seconds of each step. */
type Times = Readonly<Record<(typeof STEPS)[number], number>>;

function timed(up: () => void, preview: () => void): Times {
  const seconds = (work: () => void) => {
    const begin = performance.now();
    work();
    return (performance.now() - begin) / 1000;
  };
  return { "first up": seconds(up), preview: seconds(preview), "up without a change": seconds(up) };
}

/** A server that is there already gets streams; without fsync, which would time the disk. */
async function ours(count: number): Promise<Times> {
  const stack = await TestStack.forPulumi();
  const streams = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`stream${n}`, { preset: "workQueue", subjects: [`s${n}.>`], maxBytes: "1MB" }]),
  );
  const run = (operation: "up" | "preview") => {
    const { status, output } = stack.operate(operation);
    if (status !== 0) throw new Error(output);
  };
  try {
    stack.configure({ durability: "interval" });
    run("up");
    stack.configure({ durability: "interval", streams });
    return timed(
      () => run("up"),
      () => run("preview"),
    );
  } finally {
    stack.operate("destroy");
    stack.dispose();
  }
}

function floor(count: number): Times {
  const stack = startFloor(count);
  try {
    return timed(
      () => stack.up(),
      () => stack.preview(),
    );
  } finally {
    stack.dispose();
  }
}

/** NATS on bare hosts over SSH. */
async function hosts(count: number): Promise<Times> {
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
    return timed(
      () => run("up"),
      () => run("preview"),
    );
  } finally {
    stack.dispose();
    for (const machine of machines) await machine.dispose();
  }
}

/** Seconds of one size, with ours and, where there is something to compare with, without. */
interface Row {
  readonly count: number;
  readonly ours: Times;
  readonly floor?: Times;
}

/** Prints the seconds of each size, and the milliseconds of one more object between the smallest and the others. */
function print(what: string, rows: readonly Row[]): void {
  const [first] = rows;
  for (const step of STEPS) {
    console.log(`${`${what}, ${step}`.padEnd(46)}${"ours s".padStart(10)}${"floor s".padStart(10)}   one more: ours ms, floor ms`);
    for (const row of rows) {
      const more = (["ours", "floor"] as const).map((who) => {
        const [times, least] = [row[who], first?.[who]];
        return times === undefined || least === undefined || row === first
          ? "-"
          : (((times[step] - least[step]) * 1000) / (row.count - (first?.count ?? 0))).toFixed(1);
      });
      const seconds = [row.ours, row.floor].map((times) => (times?.[step].toFixed(1) ?? "-").padStart(10)).join("");
      console.log(`  ${String(row.count).padEnd(44)}${seconds}   ${(more[0] ?? "").padStart(18)}${(more[1] ?? "").padStart(10)}`);
    }
  }
}

/** Prints what streams and hosts cost. */
export async function benchGrowth(): Promise<void> {
  const streams: Row[] = [];
  for (const count of STREAMS) streams.push({ count, ours: await ours(count), floor: floor(count) });
  print("JetStream streams", streams);
  const reason = noMachines();
  if (reason !== undefined) throw new Error(reason);
  const servers: Row[] = [];
  for (const count of HOSTS) servers.push({ count, ours: await hosts(count) });
  print("hosts over SSH with NATS", servers);
}

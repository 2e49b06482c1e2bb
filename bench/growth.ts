// What each further declared object costs: previews and ups of 10 to 500 streams, each an object of its own, against as many commands that do nothing.
// Prints, judges nothing.
import { TestStack } from "../test/support/test-stack";
import { startFloor } from "./floor/start";

const SIZES = [10, 100, 500];

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

/** Prints the seconds of each size, and the milliseconds of one more object between the smallest and the others. */
export async function benchGrowth(): Promise<void> {
  const rows: { readonly count: number; readonly ours: Times; readonly floor: Times }[] = [];
  for (const count of SIZES) rows.push({ count, ours: await ours(count), floor: floor(count) });
  const [first] = rows;
  for (const step of STEPS) {
    console.log(
      `${`JetStream streams, ${step}`.padEnd(46)}${"ours s".padStart(10)}${"floor s".padStart(10)}   one more: ours ms, floor ms`,
    );
    for (const row of rows) {
      const [mine, theirs] = (["ours", "floor"] as const).map((who) =>
        first === undefined || row === first ? "-" : (((row[who][step] - first[who][step]) * 1000) / (row.count - first.count)).toFixed(1),
      );
      console.log(
        `  ${String(row.count).padEnd(44)}${row.ours[step].toFixed(1).padStart(10)}${row.floor[step].toFixed(1).padStart(10)}   ${(mine ?? "").padStart(18)}${(theirs ?? "").padStart(10)}`,
      );
    }
  }
}

// The most memory that some work takes in processes of its own: run as a program, it watches the descendants of a process until it is told to stop.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

const INTERVAL_MS = 200;

/** The seconds of some work, and the most bytes (PSS) that the processes it starts have together. */
export async function measured(work: () => void): Promise<{ readonly seconds: number; readonly peakBytes: number }> {
  const watcher = spawn(process.execPath, ["--import", "tsx", __filename, String(process.pid)], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  watcher.stdout.on("data", (piece: Buffer) => (printed += piece.toString()));
  // It says that it watches.
  await once(watcher.stdout, "data");
  const start = performance.now();
  try {
    work();
  } finally {
    watcher.kill("SIGTERM");
  }
  const seconds = (performance.now() - start) / 1000;
  await once(watcher, "close");
  return { seconds, peakBytes: Number(printed.trim().split("\n").at(-1)) };
}

/** Parent of each process. */
function parents(): Map<number, number> {
  const pids = readdirSync("/proc").map(Number).filter(Boolean);
  return new Map(pids.map((pid) => [pid, Number(/\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1])]));
}

/** What a file of a process says; nothing once it has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** Bytes of the descendants of a process, without this one. */
function descendantsBytes(ancestor: number): number {
  const parentOf = parents();
  const isBelow = (pid: number): boolean => {
    const parent = parentOf.get(pid);
    return pid !== process.pid && parent !== undefined && (parent === ancestor || isBelow(parent));
  };
  const kibibytes = [...parentOf.keys()]
    .filter(isBelow)
    .map((pid) => Number(/^Pss: +(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));
  return kibibytes.reduce((sum, value) => sum + value * 1024, 0);
}

function watch(ancestor: number): void {
  // What is there already, such as what compiles this program.
  const before = descendantsBytes(ancestor);
  let peak = before;
  console.log("watching");
  setInterval(() => (peak = Math.max(peak, descendantsBytes(ancestor))), INTERVAL_MS);
  process.on("SIGTERM", () => {
    console.log(peak - before);
    process.exit();
  });
}

if (require.main === module) watch(Number(process.argv[2]));

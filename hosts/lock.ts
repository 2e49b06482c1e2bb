import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { HostConfig } from "../config/hosts";
import { scriptText } from "./scripts";
import { detachedShell, type DetachedShell } from "./ssh";

/** Which run wants a host for itself. */
interface Run {
  readonly prefix: string;
  /** Project and stack. */
  readonly stack: string;
  /** The process of this machine that is the run. */
  readonly pid: number;
}

/** How often a lock is renewed, in milliseconds; it counts as stale after a minute. */
const RENEWAL_MILLISECONDS = 5000;

/**
 * Holds the lock of a prefix until a process of this machine ends, however it ends, without this process.
 * @returns who holds it, or undefined when it is held now, or when the host cannot be reached, which is for others to judge
 */
export async function lockWhile(config: HostConfig, run: Run): Promise<string | undefined> {
  const { directory, command } = lockCommand(config, run);
  const keeper = spawn("sh", [join(__dirname, "..", "scripts", "keep-lock.sh"), String(run.pid), directory, ...command], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const said = await firstLine(keeper);
  keeper.stdout.destroy();
  keeper.unref();
  return said === "held" || said === "" ? undefined : said;
}

/** A lock that this process holds. */
export interface HeldLock {
  /** Lets go. */
  readonly release: () => Promise<void>;
}

/**
 * Holds the lock of a prefix until it is released.
 * @returns undefined when the host cannot be reached
 * @throws Error with who holds it
 */
export async function lock(config: HostConfig, run: Omit<Run, "pid">): Promise<HeldLock | undefined> {
  const shell = lockCommand(config, { ...run, pid: process.pid });
  const [program = "", ...args] = shell.command;
  const holder = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "ignore"] });
  holder.stdin.on("error", () => undefined);
  const said = await firstLine(holder);
  const renewal = setInterval(() => holder.stdin.write("\n"), RENEWAL_MILLISECONDS);
  const release = async () => {
    clearInterval(renewal);
    const ended = holder.exitCode === null && holder.signalCode === null ? once(holder, "exit") : undefined;
    holder.stdin.end();
    await ended;
    shell.remove();
  };
  if (said === "held") return { release };
  await release();
  if (said === "") return undefined;
  throw new Error(beingChanged(said));
}

/** What a run is told that finds a host locked. @param holder what the lock says */
export function beingChanged(holder: string): string {
  return `another run is changing it, by ${holder}; wait until that has ended. The lock of a run that was killed goes by itself`;
}

function lockCommand(config: HostConfig, { prefix, stack, pid }: Run): DetachedShell {
  return detachedShell(config, scriptText("lock.sh"), [prefix, stack, `${userInfo().username}@${hostname()}`, String(pid)]);
}

/** The first line that a process prints; empty when it ends without one. */
async function firstLine(child: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout?.on("data", (piece: Buffer) => {
      said += piece.toString();
      if (said.includes("\n")) resolve(said.slice(0, said.indexOf("\n")));
    });
    child.stdout?.on("end", () => resolve(said.trim()));
  });
}

/** The pulumi engine that runs this program: the nearest process of that name above it. */
export function enginePid(): number {
  let pid = process.ppid;
  for (;;) {
    const [, parent, name] =
      /^\s*(\d+)\s+(.*)$/.exec(execFileSync("ps", ["-o", "ppid=,comm=", "-p", String(pid)], { encoding: "utf8" })) ?? [];
    if (name !== undefined && /(^|\/)pulumi$/.test(name.trim())) return pid;
    if (parent === undefined || Number(parent) <= 1) return process.ppid;
    pid = Number(parent);
  }
}

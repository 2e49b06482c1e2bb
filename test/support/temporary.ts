import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new directory of the test, with a short path because sockets lie below it. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "m-"));
}

/** Removes a directory that temporaryDirectory made. */
export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Numbers for freePorts: below those from which systems give outgoing connections theirs (Linux from 32768, macOS from 49152), because a client's port would be taken from a server that starts later. */
const PORTS = { from: 10_240, to: 32_767 };

/** The ports that this process was given. */
const given = new Set<number>();

/** Ports of 127.0.0.1 that nobody listens on now, each given once, at random so that suites side by side do not meet. @param count how many */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(PORTS.from, PORTS.to + 1);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

/** Can a server listen on this port of 127.0.0.1? */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen(port, "127.0.0.1", () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** Waits until a condition holds. @param seconds how long at most @throws Error that names what was waited for */
export async function eventually(what: string, seconds: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Does a process run? A zombie that nobody has collected yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}

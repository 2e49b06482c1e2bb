import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** How a program is run on a host. */
export interface RunOptions {
  /** After which it is ended and has failed; 60 without. */
  readonly timeoutSeconds?: number;
  /** Gets each line of standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a shell program on a host with arguments; what it prints. */
export type RunProgram = (program: string, args: readonly string[], options?: RunOptions) => Promise<string>;

/** A program that failed, with what it said on standard error. */
export class RunFailed extends Error {}

/**
 * Runs a command with something on standard input.
 * @returns its standard output
 * @throws RunFailed when it fails or does not end in time
 */
export async function feed(
  command: string,
  args: readonly string[],
  input: string | Readable,
  { timeoutSeconds = 60, onLine }: RunOptions = {},
): Promise<string> {
  const child = spawn(command, args, { timeout: timeoutSeconds * 1000, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let line = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    stdout += piece;
    const lines = `${line}${piece}`.split("\n");
    line = lines.pop() ?? "";
    if (onLine !== undefined) lines.forEach(onLine);
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (stderr += piece));
  // It may end before it has read everything.
  child.stdin.on("error", () => undefined);
  if (typeof input === "string") child.stdin.end(input);
  else input.pipe(child.stdin);
  const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  if (status === 0) return stdout;
  throw new RunFailed(stderr.trim() || (status === "SIGTERM" ? `not within ${timeoutSeconds} s` : `ended with ${status}`));
}

/** Runs a shell program on the local host without anything of ours installed. @throws RunFailed as feed does */
export const runLocal: RunProgram = (program, args, options) => feed("sh", ["-s", "--", ...args], program, options);

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";

/** Runs a program to its end. @returns its standard output @throws Error with what it said when it fails */
export function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** May this user make the namespaces that a rehearsal of an upgrade runs in? */
export function namespacesAllowed(): boolean {
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  return spawnSync("unshare", [...user, "--mount", "--net", "--pid", "--fork", "true"]).status === 0;
}

/** A server of a test: can be killed as a power failure would, and started again. */
export class Server {
  readonly #command: readonly [string, ...string[]];
  readonly #environment: NodeJS.ProcessEnv;
  /** What it prints. */
  readonly logFile: string;
  #process: ChildProcess | undefined;

  constructor(command: readonly [string, ...string[]], logFile: string, environment: NodeJS.ProcessEnv = {}) {
    this.#command = command;
    this.logFile = logFile;
    this.#environment = environment;
  }

  start(): void {
    const [program, ...args] = this.#command;
    const log = openSync(this.logFile, "a");
    this.#process = spawn(program, args, { env: { ...process.env, ...this.#environment }, stdio: ["ignore", log, log] });
    closeSync(log);
  }

  /** Has it ended by itself? */
  get ended(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Ends it, by default at once. */
  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#process === undefined || this.ended) return;
    const exit = once(this.#process, "exit");
    this.#process.kill(signal);
    await exit;
  }
}

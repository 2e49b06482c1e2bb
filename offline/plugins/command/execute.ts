import { spawn, type ChildProcess } from "node:child_process";
import { statSync } from "node:fs";
import type { CommandGroups, RunningCommand } from "./groups";

/** What to run and how. */
export interface Execution {
  readonly command: string;
  /** The program and arguments that the command is handed to as the last argument. */
  readonly interpreter: readonly [string, ...string[]];
  /** The folder to run in; the plugin's own if undefined. */
  readonly dir: string | undefined;
  /** Added to the plugin's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Standard input; there is none if undefined or empty. */
  readonly stdin: string | undefined;
  /** Receives pieces of output as they arrive. */
  onOutput(stream: OutputStream, piece: Buffer): void;
}

/** The two streams of output. */
export type OutputStream = "stdout" | "stderr";

/** What a successful command printed, without one final newline. */
export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in a process group of its own and waits until it, and whatever shares its output, is done.
 * @param groups learns of the command while it runs, so that it can be ended early
 * @throws if the command fails or cannot be started; the message has the reason, the command and its output,
 * but never its input
 */
export async function execute(execution: Execution, groups: CommandGroups): Promise<CommandOutput> {
  if (groups.closed) {
    throw new Error(`the operation was cancelled: not running ${JSON.stringify(execution.command)}`);
  }
  const pieces: { stream: OutputStream; piece: Buffer }[] = [];
  const failure = await run(execution, groups, (stream, piece) => {
    pieces.push({ stream, piece });
    execution.onOutput(stream, piece);
  });
  const output = (stream?: OutputStream): string =>
    Buffer.concat(pieces.filter((it) => !stream || it.stream === stream).map(({ piece }) => piece)).toString();
  if (failure) {
    throw commandError(failure, execution.command, output());
  }
  return { stdout: withoutNewline(output("stdout")), stderr: withoutNewline(output("stderr")) };
}

/** Resolves to the reason of a failure, or to undefined after success. */
function run(execution: Execution, groups: CommandGroups, onOutput: Execution["onOutput"]): Promise<string | undefined> {
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      child = start(execution);
    } catch (error) {
      resolve(startFailure(error, execution));
      return;
    }
    child.on("error", (error) => resolve(startFailure(error, execution)));
    child.stdout?.on("data", (piece: Buffer) => onOutput("stdout", piece));
    child.stderr?.on("data", (piece: Buffer) => onOutput("stderr", piece));
    // A command may end, or close its input, without having read all of it.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(execution.stdin);
    const running = track(child, groups);
    child.on("close", (code, signal) => {
      if (running) {
        groups.remove(running);
      }
      resolve(exitFailure(code, signal));
    });
  });
}

function start({ command, interpreter, dir, environment, stdin }: Execution): ChildProcess {
  const [program, ...args] = interpreter;
  return spawn(program, [...args, command], {
    cwd: dir,
    env: { ...process.env, ...environment },
    stdio: [stdin ? "pipe" : "ignore", "pipe", "pipe"],
    detached: true,
  });
}

function track(child: ChildProcess, groups: CommandGroups): RunningCommand | undefined {
  if (child.pid === undefined) {
    return undefined;
  }
  const running: RunningCommand = {
    groupId: child.pid,
    abandon: () => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
  };
  groups.add(running);
  return running;
}

function exitFailure(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (signal) {
    return `signal: ${signal}`;
  }
  return code === 0 ? undefined : `exit status ${code}`;
}

function startFailure(error: unknown, { interpreter, dir }: Execution): string {
  // Node reports a missing folder as a missing program.
  if (dir !== undefined && !statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    return `chdir ${dir}: no such directory`;
  }
  const code = (error as NodeJS.ErrnoException).code;
  return `cannot start ${interpreter[0]}: ${code === "ENOENT" ? "no such program" : (code ?? String(error))}`;
}

/** The error of a failed command: the reason, the command and its output, but never its input. */
export function commandError(failure: string, command: string, output: string): Error {
  return new Error(`${failure}: running ${JSON.stringify(command)}:\n${output}`);
}

/** A text without one final newline. */
export function withoutNewline(output: string): string {
  return output.endsWith("\n") ? output.slice(0, -1) : output;
}

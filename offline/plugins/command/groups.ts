import { setTimeout as sleep } from "node:timers/promises";

const graceMilliseconds = 2000;
const pollMilliseconds = 25;

/** A running command, known by the process group that it leads. */
export interface RunningCommand {
  /** The process group's id, which is the leader's process id. */
  readonly groupId: number;
  /** Stops listening to the output, which a process that left the group may hold open for ever. */
  abandon(): void;
}

/** The commands that run now, and the way to end them all. */
export class CommandGroups {
  private readonly running = new Set<RunningCommand>();
  private readonly endings = new Set<() => void>();
  private ended?: Promise<void>;

  /** True once {@link endAll} was called: no further command may start. */
  get closed(): boolean {
    return this.ended !== undefined;
  }

  /** Remembers a command until {@link remove}. */
  add(command: RunningCommand): void {
    this.running.add(command);
  }

  /** Forgets a command that is done. What it left running in the background is left alone. */
  remove(command: RunningCommand): void {
    this.running.delete(command);
  }

  /**
   * Asks for a call when everything is to end: at once if that is now. For work that is no process here, such as a connection.
   * @returns takes the request back
   */
  onEnd(end: () => void): () => void {
    if (this.closed) {
      end();
    }
    this.endings.add(end);
    return () => this.endings.delete(end);
  }

  /**
   * Ends every process of every running command: SIGTERM, and SIGKILL for those still there after 2 seconds.
   * Resolves when all are gone. Further calls wait for the same end.
   */
  endAll(): Promise<void> {
    if (this.ended === undefined) {
      this.ended = end([...this.running]);
      this.endings.forEach((ending) => ending());
    }
    return this.ended;
  }
}

async function end(commands: RunningCommand[]): Promise<void> {
  const giveUpAt = Date.now() + graceMilliseconds;
  let alive = commands.filter(({ groupId }) => signalGroup(groupId, "SIGTERM"));
  while (alive.length > 0 && Date.now() < giveUpAt) {
    await sleep(pollMilliseconds);
    alive = alive.filter(({ groupId }) => signalGroup(groupId, 0));
  }
  for (const { groupId } of alive) {
    signalGroup(groupId, "SIGKILL");
  }
  for (const command of commands) {
    command.abandon();
  }
}

/** Signals a process group; false if no process of it is left. Signal 0 only looks. */
function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    return false;
  }
}

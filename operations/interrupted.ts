import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const controller = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    controller.abort();
    process.exitCode = 128 + constants.signals[signal];
  });
}

/** Ends what goes on until the user has seen enough, so that connections are closed and nothing is left behind. */
export const interrupted: AbortSignal = controller.signal;

/** Waits, not beyond an interruption. */
export async function pause(seconds: number): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal: interrupted }).catch(() => undefined);
}

/** What an error says, without its stack trace. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Ends a program with the exit code that its work comes to, unless an interruption has set one; an error is told in its own words.
 * @param failed exit code of an error
 */
export function endWith(work: Promise<number>, failed = 1): void {
  work.then(
    (code) => (process.exitCode ??= code),
    (error: unknown) => {
      console.error(messageOf(error));
      process.exitCode = failed;
    },
  );
}

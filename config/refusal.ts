import { RunError } from "@pulumi/pulumi/errors";

/**
 * The error for input that cannot be carried out: a headline and every problem on a line of its own.
 * @param headline what is refused
 * @param problems config path, what is wrong and what is allowed, each
 */
export function refusal(headline: string, problems: readonly string[]): RunError {
  const error = new RunError(`${headline}; nothing was changed:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
  // Pulumi prints a RunError without its stack, but formats it for tracing, where Node 20's util.inspect runs out of memory after 15 s over
  // frames of scoped packages that source maps shorten (.../node_modules/@pulumi/resource.ts).
  delete error.stack;
  return error;
}

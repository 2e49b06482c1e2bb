/**
 * Spares the stack traces that nobody reads. The SDK takes one for each of its promises, ten for a resource, in case the program ends while one is pending and
 * PULUMI_DEBUG_PROMISE_LEAKS asks where it came from; ts-node maps each to the TypeScript sources, which took a sixth of the time of a preview. All others stay.
 */
export function spareStackTraces(): void {
  // What maps to sources; a program that runs without ts-node has none.
  const errors: { prepareStackTrace?: (error: Error, frames: NodeJS.CallSite[]) => unknown } = Error;
  const whole = errors.prepareStackTrace;
  if (whole === undefined || process.env["PULUMI_DEBUG_PROMISE_LEAKS"]) return;
  errors.prepareStackTrace = (error, frames) => (frames[0]?.getFunctionName() === "debuggablePromise" ? "" : whole(error, frames));
}

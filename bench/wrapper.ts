// What an npm script adds to the pulumi CLI: `npm run pulumi -- version` against `pulumi version`, in turn. Prints, judges nothing.
import { pulumiEnvironment } from "../setup/environment.js";
import { root } from "../setup/paths";
import { succeed } from "./processes";
import { printPairs } from "./statistics";

const PAIRS = 10;

function milliseconds(command: string, args: readonly string[], env: NodeJS.ProcessEnv): number {
  const start = performance.now();
  succeed(command, args, env);
  return performance.now() - start;
}

/** Prints the milliseconds of both. */
export function benchWrapper(): Promise<void> {
  const environment = pulumiEnvironment();
  const pairs = Array.from(
    { length: PAIRS },
    () =>
      [
        milliseconds("npm", ["--prefix", root, "run", "--silent", "pulumi", "--", "version"], {}),
        milliseconds("pulumi", ["version"], environment),
      ] as const,
  );
  printPairs("an npm script that does nothing (ms)", "pulumi alone", pairs, 0);
  return Promise.resolve();
}

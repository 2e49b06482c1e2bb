import { appendFileSync, readFileSync } from "node:fs";

/** Notes what came of something for a table at the end of npm test, a line of JSON in the file that a variable names; nothing without one. */
export function note(variable: "DRIFT_RESULTS" | "TARGET_RESULTS", result: unknown): void {
  const file = process.env[variable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** What was noted in a file. */
export function noted<Result>(file: string): Result[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Result);
}

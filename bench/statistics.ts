import { say } from "./report";

/** In bytes. */
export const MEBIBYTE = 2 ** 20;

/** The columns of `spread`. */
export const SPREAD = "       min    median       max";

/** The middle one of some values, the upper of two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Smallest, median and largest of some values, in the columns of SPREAD. @param digits behind the point */
export function spread(values: readonly number[], digits: number): string {
  return [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(digits).padStart(10)).join("");
}

/** What is told of a latency: what half, 99 % and 99.9 % of the messages stay below. */
export const PERCENTILES = [50, 99, 99.9] as const;

/** The value that this share of the values is at or below. @param percent from 0 to 100 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? NaN;
}

/** Prints figures that were measured in turn, and their ratios. @param what is measured, with its unit @param other whom ours is compared with @param digits behind the point */
export function printPairs(what: string, other: string, pairs: readonly (readonly [ours: number, other: number])[], digits: number): void {
  const row = (name: string, values: readonly number[], behind: number) => {
    say(`  ${name.padEnd(44)}${spread(values, behind)}`);
  };
  say(`${what.padEnd(46)}${SPREAD}`);
  row(
    "ours",
    pairs.map(([ours]) => ours),
    digits,
  );
  row(
    other,
    pairs.map(([, theirs]) => theirs),
    digits,
  );
  row(
    "ratio of each pair",
    pairs.map(([ours, theirs]) => ours / theirs),
    2,
  );
}

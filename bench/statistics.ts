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

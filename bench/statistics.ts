/** The columns of `spread`. */
export const SPREAD = "       min    median       max";

/** Smallest, median and largest of some values, in the columns of SPREAD. @param digits behind the point */
export function spread(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  const columns = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((index) => sorted[index] ?? NaN);
  return columns.map((value) => value.toFixed(digits).padStart(10)).join("");
}

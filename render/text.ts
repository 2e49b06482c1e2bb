/**
 * One line for each entry that has a value, in the given order.
 * @param entries keys and values; undefined leaves the line out
 * @param line how an entry is written
 */
export function lines(
  entries: Readonly<Record<string, string | number | undefined>>,
  line: (key: string, value: string | number) => string,
): string {
  return Object.entries(entries)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${line(key, value)}\n`]))
    .join("");
}

/** First line of every file that we write. */
export const MANAGED_BY = "Managed by Pulumi: change the stack config, not this file.";

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

/** A JSON object, a key a line, so that a preview shows a changed value as one changed line. @param object undefined values leave their line out */
export function jsonLines(object: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  const lines = entries.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  return lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`;
}

/** First line of every file that we write. */
export const MANAGED_BY = "Managed by Pulumi: change the stack config, not this file.";

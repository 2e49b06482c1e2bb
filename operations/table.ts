/**
 * Rows in columns, numbers to the right.
 * @param rows the heading first
 * @param left how many columns of text come before those of numbers
 */
export function table(rows: readonly (readonly string[])[], left: number): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) => (column < left ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0));
  return rows.map((row) => `  ${row.map(cell).join("  ").trimEnd()}`).join("\n");
}

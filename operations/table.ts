/** Columns of a terminal that nobody has made wider. */
export const TERMINAL_COLUMNS = 80;

/**
 * Rows in columns, numbers to the right.
 * @param rows the heading first
 * @param left how many columns of text come before those of numbers
 * @param width most columns of the terminal that a line takes; the first cell of a longer one loses its middle
 */
export function table(rows: readonly (readonly string[])[], left: number, width = Infinity): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const others = widths.slice(1).reduce((sum, own) => sum + own + 2, 2);
  widths[0] = Math.min(widths[0] ?? 0, Math.max(8, width - others));
  const cell = (text: string, column: number) => {
    const own = widths[column] ?? 0;
    return column < left ? shortened(text, own).padEnd(own) : text.padStart(own);
  };
  return rows.map((row) => `  ${row.map(cell).join("  ").trimEnd()}`).join("\n");
}

function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}

// What benchmarks print, and where the docs show it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../setup/paths";
import { barChart, type Bars } from "./svg";

/** The page with what was measured last. */
const PAGE = join(root, "docs/speed.md");

/** Lines that have been said since the last call of showInDocs. */
let said: string[] = [];

/** Prints a line, which the docs will show too. */
export function say(line: string): void {
  console.log(line);
  said.push(line);
}

/** Puts what was said into the docs, in place of what this benchmark had said before. @throws Error when the page has no place for it */
export function showInDocs(name: string): void {
  const page = readFileSync(PAGE, "utf8");
  const block = new RegExp(`(<!-- npm run bench -- ${name} -->\n\n\`\`\`\n)[^\`]*(\`\`\`\n)`);
  if (!block.test(page)) throw new Error(`${PAGE}: no place for the benchmark ${name}`);
  const text = said.map((line) => `${line.trimEnd()}\n`).join("");
  writeFileSync(
    PAGE,
    page.replace(block, (_, before: string, after: string) => before + text + after),
  );
  said = [];
}

/** Draws amounts for the docs. @param file its name in docs/ */
export function drawInDocs(file: string, bars: Bars): void {
  writeFileSync(join(root, "docs", file), barChart(bars));
}

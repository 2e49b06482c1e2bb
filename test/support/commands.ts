/**
 * The commands of a document: the lines of its sh code blocks, without comments.
 * @param markdown its text
 */
export function commandsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) => line.replace(/ {2,}#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { composeFiles } from "./files";
import { composeYaml } from "./services";
import type { ComposedStack } from "./stack";

/** Writes compose.yaml and compose/config of a stack anew. @param directory of the clone */
export function writeCompose(stack: ComposedStack, directory: string): void {
  const config = join(directory, "compose/config");
  const files = composeFiles(stack);
  for (const path of filesBelow(config)) if (!(path in files)) rmSync(join(config, path));
  // Directories stay what they are: running containers have them mounted.
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(config, path)), { recursive: true });
    writeFileSync(join(config, path), text);
  }
  writeFileSync(join(directory, "compose.yaml"), composeYaml(stack));
}

/** Files below a directory, by their paths there. */
export function filesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

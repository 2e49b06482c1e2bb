import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { composeFiles } from "./files";
import { composeYaml } from "./services";
import type { ComposedStack } from "./stack";

/** Writes compose.yaml and compose/config of a stack anew. @param directory of the clone */
export function writeCompose(stack: ComposedStack, directory: string): void {
  const config = join(directory, "compose/config");
  rmSync(config, { recursive: true, force: true });
  for (const [path, text] of Object.entries(composeFiles(stack))) {
    mkdirSync(dirname(join(config, path)), { recursive: true });
    writeFileSync(join(config, path), text);
  }
  writeFileSync(join(directory, "compose.yaml"), composeYaml(stack));
}

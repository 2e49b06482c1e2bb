import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { composeFiles } from "./files";
import { composeYaml } from "./services";
import { composedStack } from "./stack";

const PROJECT = join(__dirname, "..");
const CONFIG = join(__dirname, "config");

// `npm run compose`: writes compose.yaml and compose/config anew from the settings of the dev stack.
const stack = composedStack("dev");
rmSync(CONFIG, { recursive: true, force: true });
for (const [path, text] of Object.entries(composeFiles(stack))) {
  mkdirSync(dirname(join(CONFIG, path)), { recursive: true });
  writeFileSync(join(CONFIG, path), text);
}
writeFileSync(join(PROJECT, "compose.yaml"), composeYaml(stack));

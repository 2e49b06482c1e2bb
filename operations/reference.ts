import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configReference } from "./config-reference";

writeFileSync(join(__dirname, "../docs/configuration.md"), configReference());

import { join } from "node:path";
import { composedStack } from "./stack";
import { writeCompose } from "./write";

// `npm run compose`: writes compose.yaml and compose/config anew from the settings of the dev stack.
writeCompose(composedStack("dev"), join(__dirname, ".."));

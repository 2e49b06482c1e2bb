import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandsOf } from "../support/commands";

const DIRECTORY = join(__dirname, "../../docs/operations");
const runbooks = readdirSync(DIRECTORY).filter((file) => file !== "README.md");

test("the index of operations names every runbook, and each has commands", () => {
  const index = readFileSync(join(DIRECTORY, "README.md"), "utf8");
  for (const file of runbooks) {
    assert.ok(index.includes(`(${file})`), file);
    assert.ok(commandsOf(readFileSync(join(DIRECTORY, file), "utf8")).length > 0, file);
  }
});

test("commands are the lines of sh blocks, indented ones too, without comments", () => {
  const markdown =
    "text\n\n```sh\n# why\nnpm run up # now\nls    # list\n```\n\n1. step\n\n   ```sh\n   df -k .\n   ```\n\n```yaml\na: b\n```\n";
  assert.deepEqual(commandsOf(markdown), ["npm run up # now", "ls", "df -k ."]);
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { goEnvironment } from "../../setup/go";
import { platform, root } from "../../setup/paths";
import { BENTHOS, PIPELINES } from "../support/benthos";

const files = (folder: string) => readdirSync(join(PIPELINES, folder)).map((name) => join(PIPELINES, folder, name));
const purposes = readdirSync(PIPELINES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !["templates", "resources"].includes(entry.name))
  .map(({ name }) => name);
const parts = ["-r", join(PIPELINES, "resources/*.yaml"), "-t", join(PIPELINES, "templates/*.yaml")];

/** Runs a command, which must succeed. @returns what it printed */
function succeed(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, encoding: "utf8" });
  assert.equal(status, 0, `${error?.message ?? ""}${stdout}${stderr}`);
  return stdout;
}

describe("pipelines", () => {
  test("templates, resources and pipelines have no lint", () => {
    for (const template of files("templates")) assert.equal(succeed(BENTHOS, ["template", "lint", template]), "");
    const pipelines = purposes.flatMap(files).filter((file) => !file.endsWith("_benthos_test.yaml"));
    succeed(BENTHOS, [...parts.slice(2), "lint", ...files("resources"), ...pipelines]);
  });

  test("their unit tests pass", () => {
    succeed(BENTHOS, [...parts, "test", ...purposes.map((purpose) => join(PIPELINES, purpose, "..."))]);
  });
});

describe("the components of ours in offline/benthos", { timeout: 300_000 }, () => {
  const cwd = join(root, "offline/benthos", pinnedVersions("benthos")[0]);
  const env = goEnvironment(platform());

  test("are formatted and have nothing to vet", () => {
    const gofmt = join(succeed("go", ["env", "GOROOT"], { cwd, env }).trim(), "bin/gofmt");
    assert.equal(succeed(gofmt, ["-l", "."], { cwd, env }), "");
    succeed("go", ["vet", "./..."], { cwd, env });
  });

  test("pass their tests", () => {
    succeed("go", ["test", "./..."], { cwd, env });
  });
});

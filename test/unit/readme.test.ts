import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { configKeys, configReference } from "../../operations/config-reference";
import { supportOf } from "../../policies/artefacts";

const README = readFileSync(join(__dirname, "../../README.md"), "utf8");

const DOCS = join(__dirname, "../../docs");

test("the config reference is the one of the schemas, and says what each key means", () => {
  const keys = [...configKeys().values()].flat();
  assert.ok(keys.length > 150, `${keys.length} keys`);
  assert.deepEqual(
    keys.filter(({ meaning }) => meaning === ""),
    [],
  );
  assert.equal(readFileSync(join(DOCS, "configuration.md"), "utf8"), configReference(), "npm run reference writes it");
});

test("README and the config reference name every top-level key", () => {
  const missing = [...configKeys().keys()].filter((key) => !README.includes(`messaging:${key}`));
  assert.deepEqual(missing, []);
});

test("the config reference and the table of releases say until when each pinned version gets fixes", () => {
  const versions = (["nats-server", "pulsar", "benthos"] as const).flatMap((name) =>
    pinnedVersions(name).map((version) => [name, version] as const),
  );
  const ends = versions.flatMap(([name, version]) => supportOf(name, version)?.ended ?? []);
  assert.ok(ends.length >= 4, ends.join());
  const text = readFileSync(join(DOCS, "releasing.md"), "utf8");
  assert.deepEqual(
    ends.filter((end) => !text.includes(end) || !configReference().includes(end)),
    [],
  );
});

test("README names every npm script", () => {
  const { scripts } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { scripts: Record<string, string> };
  const missing = Object.keys(scripts).filter((name) => !new RegExp(`(npm (run )?|/ .)${name}\\b`).test(README));
  assert.deepEqual(missing, []);
});

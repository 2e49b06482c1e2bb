import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { configSchema } from "../../config/load";
import { pinnedVersions } from "../../config/pins";
import { supportOf } from "../../policies/artefacts";

const README = readFileSync(join(__dirname, "../../README.md"), "utf8");

/** Names of the keys anywhere in a JSON Schema. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, ...rest } = schema as { readonly properties?: Readonly<Record<string, unknown>> };
  const own = typeof properties === "object" ? Object.entries(properties).flatMap(([key, value]) => [key, ...keysOf(value)]) : [];
  return [...own, ...Object.values(rest).flatMap(keysOf)];
}

/** A chapter of the README. */
function chapter(title: string): string {
  const [, text = ""] = README.split(`\n## ${title}\n`);
  return text.split("\n## ")[0] ?? "";
}

test("the config reference names every key that the schema takes", () => {
  const keys = [...new Set(keysOf(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" })))];
  assert.ok(keys.length > 100, `${keys.length} keys`);
  const reference = chapter("Config reference");
  const missing = keys.filter((key) => !new RegExp(`[\`.{ ,:]${key}\\b`).test(reference));
  assert.deepEqual(missing, []);
});

test("the config reference and the table of releases say until when each pinned version gets fixes", () => {
  const releasing = readFileSync(join(__dirname, "../../docs/releasing.md"), "utf8");
  const versions = (["nats-server", "pulsar", "benthos"] as const).flatMap((name) =>
    pinnedVersions(name).map((version) => [name, version] as const),
  );
  const ends = versions.flatMap(([name, version]) => supportOf(name, version)?.ended ?? []);
  assert.ok(ends.length >= 4, ends.join());
  for (const text of [chapter("Config reference"), releasing])
    assert.deepEqual(
      ends.filter((end) => !text.includes(end)),
      [],
    );
});

test("README names every npm script", () => {
  const { scripts } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { scripts: Record<string, string> };
  const missing = Object.keys(scripts).filter((name) => !new RegExp(`(npm (run )?|/ .)${name}\\b`).test(README));
  assert.deepEqual(missing, []);
});

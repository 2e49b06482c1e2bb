import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { configSchema } from "../../config/load";

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

test("README names every npm script", () => {
  const { scripts } = JSON.parse(readFileSync(join(__dirname, "../../package.json"), "utf8")) as { scripts: Record<string, string> };
  const missing = Object.keys(scripts).filter((name) => !new RegExp(`(npm (run )?|/ .)${name}\\b`).test(README));
  assert.deepEqual(missing, []);
});

import { z } from "zod";
import { configSchema } from "../config/load";
import { type ArchiveName, type ExecutableName, pinnedVersions } from "../config/pins";
import { supportOf } from "../policies/artefacts";

/** What is used of a JSON Schema; `allowed` and `placeholder` are of our own (config/units.ts, config/namespaces.ts). */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** What a string may say. */
  readonly allowed?: string;
  /** What stands for a name that the user chooses. */
  readonly placeholder?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
}

/** One key of the config. */
export interface Key {
  /** Below the top-level key; empty: the key itself. */
  readonly path: string;
  readonly allowed: readonly string[];
  readonly default: string;
  readonly meaning: string;
}

const INTRODUCTION = `<!-- Written by \`npm run reference\` from the schemas in config/; a test compares. -->

# Config reference

Keys of \`Pulumi.<stack>.yaml\`. Sizes carry a unit (\`B\`, \`kB\`, \`MB\`, \`GB\`, \`TB\` are powers of ten, \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\` powers of two), durations too (\`ms\`, \`s\`, \`m\`, \`h\`,
\`d\`). Unknown keys and impossible values are refused before anything is touched, all at once. \`<name>\` stands for a name that you choose.
`;

const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

const variants = ({ anyOf, oneOf }: Schema): readonly Schema[] => anyOf ?? oneOf ?? [];

/** What the value of a key may be; nothing where its meaning has to say it. */
function allowed(schema: Schema): string[] {
  if (schema.allowed !== undefined) return [schema.allowed];
  if (schema.enum !== undefined) return schema.enum.map(code);
  if (schema.const !== undefined) return [code(schema.const)];
  if (schema.type === "boolean") return [code(true), code(false)];
  if (schema.type === "array") return [["list", allowed(schema.items ?? {}).join(", ")].filter((part) => part !== "").join(" of ")];
  if (schema.minimum === undefined) return variants(schema).flatMap(allowed);
  const { minimum, maximum = Number.MAX_SAFE_INTEGER } = schema;
  return [maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `${minimum} to ${maximum}`];
}

function preset({ default: value }: Schema, required: boolean): string {
  if (value === undefined) return required ? "required" : "";
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty ? "" : code(value);
}

/** A key and those below it. */
function keysOf(path: string, schema: Schema, required: boolean): Key[] {
  const own = { path, allowed: allowed(schema), default: preset(schema, required), meaning: schema.description ?? "" };
  const below = [schema, ...variants(schema)].flatMap((variant) => children(path, variant));
  // What only groups its keys, or takes any text, has nothing to say.
  return own.meaning === "" && (below.length > 0 || (own.allowed.length === 0 && path.endsWith(">"))) ? below : [own, ...below];
}

function children(path: string, schema: Schema): Key[] {
  const join = (name: string) => (path === "" ? name : `${path}.${name}`);
  const named = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    keysOf(join(name), property, schema.required?.includes(name) === true),
  );
  const { additionalProperties: any, placeholder = "name" } = schema;
  return typeof any === "object" ? [...named, ...keysOf(join(`<${placeholder}>`), any, false)] : named;
}

/** Variants of an object have keys in common. */
function united(keys: readonly Key[]): Key[] {
  const byPath = new Map<string, Key>();
  for (const key of keys) {
    const known = byPath.get(key.path);
    byPath.set(key.path, known === undefined ? key : { ...known, allowed: [...new Set([...known.allowed, ...key.allowed])] });
  }
  return [...byPath.values()];
}

/** Every key of the config by its top-level key, as the schemas have them. */
export function configKeys(): ReadonlyMap<string, readonly Key[]> {
  const { properties = {} } = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Schema;
  return new Map(Object.entries(properties).map(([name, schema]) => [name, united(keysOf("", schema, false))]));
}

const cell = (text: string) => text.replaceAll("|", "\\|");

function row(...cells: readonly string[]): string {
  return `| ${cells.map(cell).join(" | ")} |\n`;
}

function chapter(name: string, keys: readonly Key[]): string {
  const [first, ...rest] = keys[0]?.path === "" ? keys : [undefined, ...keys];
  const facts =
    first === undefined ? [] : [first.meaning, first.allowed.join(", "), first.default === "" ? "" : `default ${first.default}`];
  const lead = facts.filter((fact) => fact !== "").join("; ");
  const rows = rest.flatMap((key) => (key === undefined ? [] : [row(code(key.path), key.allowed.join(", "), key.default, key.meaning)]));
  const head = rows.length === 0 ? "" : `\n${row("key", "allowed", "default", "meaning")}${row("---", "---", "---", "---")}`;
  return `\n## messaging:${name}\n${lead === "" ? "" : `\n${lead.charAt(0).toUpperCase()}${lead.slice(1)}.\n`}${head}${rows.join("")}`;
}

const PRODUCTS: readonly (readonly [name: string, artefact: ExecutableName | ArchiveName])[] = [
  ["NATS", "nats-server"],
  ["Pulsar", "pulsar"],
  ["Benthos", "benthos"],
  ["Prometheus", "prometheus"],
];

/** Until when each pinned version gets fixes. */
function endsOfLife(): string {
  const rows = PRODUCTS.flatMap(([name, artefact]) =>
    pinnedVersions(artefact).map((version: string, index) => {
      const support = supportOf(artefact, version);
      return row(name, `${version}${index === 0 ? " (default)" : ""}`, support?.ended ?? "no end stated", support?.instead ?? "");
    }),
  );
  return `\n## Pinned versions and their end of life\n\n${row("product", "version", "fixes until", "then")}${row("---", "---", "---", "---")}${rows.join("")}`;
}

/** docs/configuration.md. */
export function configReference(): string {
  const chapters = [...configKeys()].map(([name, keys]) => chapter(name, keys));
  return [INTRODUCTION, ...chapters, endsOfLife()].join("");
}

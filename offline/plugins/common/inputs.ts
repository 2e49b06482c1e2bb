import { isObject, isUnknown, reveal, signatureOf, type PropertyMap, type Value } from "./values";

/** The types that a property can have; `any[]` is a list of anything, `asset` a file, a folder or a text. */
export type PropertyType =
  "string" | "boolean" | "number" | "string[]" | "any[]" | "map" | "object" | "object[]" | "logging" | "connection" | "asset";

/** One property: its type, what it means, and what it does to the resource. */
export interface PropertySpec {
  readonly type: PropertyType;
  readonly description: string;
  /** The value when none is given. */
  readonly default?: boolean | number | string;
  /** A function cannot be called, or a resource not be created, without it. */
  readonly required?: boolean;
  /** Without a value it gets the resource's name and something random, which it keeps until the resource is replaced. */
  readonly named?: boolean;
  /** A change replaces the resource instead of updating it. */
  readonly replaces?: boolean;
}

/** Properties by name. */
export type PropertySpecs = Readonly<Record<string, PropertySpec>>;

/** A property that cannot be accepted, and the reason in words. */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/**
 * Says what is wrong with inputs: unknown names, wrong types, missing values.
 * What a preview does not know yet is accepted.
 */
export function checkInputs(inputs: PropertyMap, specs: PropertySpecs): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [property, value] of Object.entries(inputs)) {
    const spec = specs[property];
    if (!spec) {
      failures.push({ property, reason: `Unrecognized field '${property}'` });
    } else if (!accepts(spec.type, reveal(value))) {
      failures.push({ property, reason: `Field '${property}' must be ${typeNames[spec.type]}` });
    }
  }
  for (const [property, spec] of Object.entries(specs)) {
    if (spec.required && (inputs[property] ?? null) === null) {
      failures.push({ property, reason: `Missing required field '${property}'` });
    }
  }
  return failures;
}

/** The inputs with the defaults of the absent ones filled in. */
export function withDefaults(inputs: PropertyMap, specs: PropertySpecs): PropertyMap {
  const filled = { ...inputs };
  for (const [property, spec] of Object.entries(specs)) {
    if (spec.default !== undefined) {
      filled[property] ??= spec.default;
    }
  }
  return filled;
}

/** The text of a property, in clear, or undefined if it is absent. Checked inputs only. */
export function text(properties: PropertyMap, name: string): string | undefined {
  return (reveal(properties[name] ?? null) ?? undefined) as string | undefined;
}

/** The strings of a list, in clear, or undefined if it is absent. Checked inputs only. */
export function textList(properties: PropertyMap, name: string): string[] | undefined {
  return (reveal(properties[name] ?? null) ?? undefined) as string[] | undefined;
}

/** The strings of a map, in clear; empty if it is absent. Checked inputs only. */
export function textMap(properties: PropertyMap, name: string): Record<string, string> {
  return (reveal(properties[name] ?? null) ?? {}) as Record<string, string>;
}

/** A truth value, or undefined if it is absent. Checked inputs only. */
export function flag(properties: PropertyMap, name: string): boolean | undefined {
  return (reveal(properties[name] ?? null) ?? undefined) as boolean | undefined;
}

/** A number, or undefined if it is absent. Checked inputs only. */
export function figure(properties: PropertyMap, name: string): number | undefined {
  return (reveal(properties[name] ?? null) ?? undefined) as number | undefined;
}

/** The objects of a list, in clear; none if it is absent. Checked inputs only. */
export function objects(properties: PropertyMap, name: string): PropertyMap[] {
  return (reveal(properties[name] ?? null) ?? []) as PropertyMap[];
}

const typeNames: Readonly<Record<PropertyType, string>> = {
  string: "a string",
  boolean: "a boolean",
  number: "a number",
  "string[]": "a list of strings",
  "any[]": "a list",
  map: "a map of strings",
  object: "an object",
  "object[]": "a list of objects",
  logging: "a string",
  connection: "an object with at least a host",
  asset: "an asset or an archive",
};

function accepts(type: PropertyType, value: Value): boolean {
  if (value === null || isUnknown(value)) {
    return true;
  }
  switch (type) {
    case "string":
    case "logging":
      return typeof value === "string";
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "string[]":
      return Array.isArray(value) && value.every((element) => isText(element) || isUnknown(element));
    case "any[]":
      return Array.isArray(value);
    case "map":
      return isObject(value) && signatureOf(value) === undefined && Object.values(value).every(isText);
    case "object":
      return isObject(value);
    case "object[]":
      return Array.isArray(value) && value.every((element) => isObject(element) || isUnknown(element));
    case "connection":
      return isObject(value) && (isText(value.host ?? null) || isUnknown(value.host));
    case "asset":
      return signatureOf(value) !== undefined;
  }
}

function isText(value: Value): boolean {
  return typeof value === "string";
}

import type { PropertySpecs, PropertyType } from "./inputs";

/** A part of a package schema (https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/schema/). */
export type Schema = Record<string, unknown>;

/**
 * The properties of a package schema.
 * @param types schemas of the types that are the package's own
 */
export function properties(specs: PropertySpecs, types: Readonly<Partial<Record<PropertyType, Schema>>> = {}): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      {
        ...(types[spec.type] ?? typeSchema(spec.type)),
        description: spec.description,
        default: spec.default,
        replaceOnChanges: spec.replaces,
      },
    ]),
  );
}

/** The package schema of resources whose outputs are their inputs, as JSON. @param resources by token */
export function packageSchema(name: string, version: string, resources: ReadonlyMap<string, { readonly inputs: PropertySpecs }>): string {
  const resource = (inputs: PropertySpecs) => {
    const required = Object.keys(inputs).filter((input) => inputs[input]?.required);
    return { properties: properties(inputs), required, inputProperties: properties(inputs), requiredInputs: required };
  };
  return JSON.stringify({
    name,
    version,
    resources: Object.fromEntries([...resources].map(([token, { inputs }]) => [token, resource(inputs)])),
  });
}

function typeSchema(type: PropertyType): Schema {
  switch (type) {
    case "string":
    case "boolean":
    case "number":
      return { type };
    case "string[]":
      return { type: "array", items: { type: "string" } };
    case "any[]":
      return { type: "array", items: { $ref: "pulumi.json#/Any" } };
    case "map":
      return { type: "object", additionalProperties: { type: "string" } };
    case "object[]":
      return { type: "array", items: { type: "object", additionalProperties: { $ref: "pulumi.json#/Any" } } };
    case "logging":
      return { type: "string" };
    case "object":
    case "connection":
      return { type: "object", additionalProperties: { $ref: "pulumi.json#/Any" } };
    case "asset":
      return { $ref: "pulumi.json#/Asset" };
  }
}

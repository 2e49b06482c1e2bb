import { pluginName, pluginVersion } from "./identity";
import type { PropertySpecs, PropertyType } from "./inputs";
import { commandInputs, copyInputs, remoteCommandInputs, runInputs } from "./specs";

type Schema = Record<string, unknown>;

const loggingToken = "command:local:Logging";

const outputs = {
  stdout: { type: "string", description: "The standard output of the command." },
  stderr: { type: "string", description: "The standard error of the command." },
  assets: {
    type: "object",
    additionalProperties: { $ref: "pulumi.json#/Asset" },
    description: "The files that `assetPaths` found, by their path relative to the command's directory.",
  },
  archive: { $ref: "pulumi.json#/Archive", description: "The files that `archivePaths` found." },
};

/** The package schema of what this plugin provides, as JSON. */
export function packageSchema(): string {
  return JSON.stringify({
    name: pluginName,
    version: pluginVersion,
    types: {
      [loggingToken]: {
        type: "string",
        enum: ["stdout", "stderr", "stdoutAndStderr", "none"].map((value) => ({ value })),
      },
    },
    resources: {
      "command:local:Command": {
        description: "A command that is run on this machine when the resource is created, updated or deleted.",
        ...object(commandInputs, outputs),
        inputProperties: properties(commandInputs),
      },
      "command:remote:Command": {
        description: "A command that is run over SSH when the resource is created, updated or deleted.",
        ...object(remoteCommandInputs, { stdout: outputs.stdout, stderr: outputs.stderr }),
        inputProperties: properties(remoteCommandInputs),
      },
      "command:remote:CopyToRemote": {
        description: "A file or folder that is copied to a server.",
        ...object(copyInputs, {}),
        inputProperties: properties(copyInputs),
      },
    },
    functions: {
      "command:local:run": {
        description: "Runs a command on this machine, in previews too.",
        inputs: { type: "object", ...object(runInputs, {}) },
        outputs: { type: "object", ...object(runInputs, outputs) },
      },
    },
  });
}

function object(specs: PropertySpecs, more: Record<string, Schema>): Schema {
  const required = Object.keys(specs).filter((name) => specs[name]?.required);
  return {
    properties: { ...properties(specs), ...more },
    required: "stdout" in more ? [...required, "stderr", "stdout"] : required,
  };
}

function properties(specs: PropertySpecs): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      {
        ...typeSchema(spec.type),
        description: spec.description,
        default: spec.default,
        replaceOnChanges: spec.replaces,
      },
    ]),
  );
}

function typeSchema(type: PropertyType): Schema {
  switch (type) {
    case "string":
    case "boolean":
      return { type };
    case "string[]":
      return { type: "array", items: { type: "string" } };
    case "any[]":
      return { type: "array", items: { $ref: "pulumi.json#/Any" } };
    case "map":
      return { type: "object", additionalProperties: { type: "string" } };
    case "connection":
      return { type: "object", additionalProperties: { $ref: "pulumi.json#/Any" } };
    case "asset":
      return { $ref: "pulumi.json#/Asset" };
    case "logging":
      return { $ref: `#/types/${loggingToken}` };
  }
}

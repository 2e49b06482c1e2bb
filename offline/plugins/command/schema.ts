import { pluginName, pluginVersion } from "./identity";
import type { PropertySpecs } from "../common/inputs";
import { properties, type Schema } from "../common/schema";
import { commandInputs, copyInputs, remoteCommandInputs, runInputs } from "./specs";

const loggingToken = "command:local:Logging";

const types = { logging: { $ref: `#/types/${loggingToken}` } };

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
        inputProperties: properties(commandInputs, types),
      },
      "command:remote:Command": {
        description: "A command that is run over SSH when the resource is created, updated or deleted.",
        ...object(remoteCommandInputs, { stdout: outputs.stdout, stderr: outputs.stderr }),
        inputProperties: properties(remoteCommandInputs, types),
      },
      "command:remote:CopyToRemote": {
        description: "A file or folder that is copied to a server.",
        ...object(copyInputs, {}),
        inputProperties: properties(copyInputs, types),
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
    properties: { ...properties(specs, types), ...more },
    required: "stdout" in more ? [...required, "stderr", "stdout"] : required,
  };
}

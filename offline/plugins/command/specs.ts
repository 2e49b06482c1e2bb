import type { PropertySpecs } from "./inputs";

/** What every run of a local command takes, be it a resource or a function. */
const localInputs: PropertySpecs = {
  addPreviousOutputInEnv: {
    type: "boolean",
    default: true,
    description:
      "Whether the output of the previous create or update is in the environment of the next run, as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.",
  },
  archivePaths: {
    type: "string[]",
    description: "Globs of the files to return as one archive once the command is done. `!` excludes.",
  },
  assetPaths: {
    type: "string[]",
    description: "Globs of the files to return as assets once the command is done. `!` excludes.",
  },
  dir: { type: "string", description: "The directory to run the command in; it must exist." },
  environment: { type: "map", description: "Variables to add to the environment of the command." },
  interpreter: {
    type: "string[]",
    description: 'The program and arguments that the command is handed to. Defaults to ["/bin/sh", "-c"].',
  },
  logging: {
    type: "logging",
    description: "Which output of the command is shown while it runs. Defaults to both stdout and stderr.",
  },
  stdin: { type: "string", description: "What the command reads from its standard input." },
};

/** The inputs of the resource `command:local:Command`. */
export const commandInputs: PropertySpecs = {
  ...localInputs,
  create: { type: "string", description: "The command to run on create." },
  delete: { type: "string", description: "The command to run on delete." },
  update: { type: "string", description: "The command to run on update; without one, create runs again." },
  triggers: {
    type: "any[]",
    replaces: true,
    description: "Values of any type; a change of one replaces the resource.",
  },
};

/** The arguments of the function `command:local:run`. */
export const runInputs: PropertySpecs = {
  ...localInputs,
  command: { type: "string", required: true, description: "The command to run." },
};

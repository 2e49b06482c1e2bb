import type { PropertySpecs } from "../common/inputs";

/** What every run of a command takes, here or over SSH. */
const runnerInputs: PropertySpecs = {
  addPreviousOutputInEnv: {
    type: "boolean",
    default: true,
    description:
      "Whether the output of the previous create or update is in the environment of the next run, as PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.",
  },
  environment: { type: "map", description: "Variables to add to the environment of the command." },
  logging: {
    type: "logging",
    description: "Which output of the command is shown while it runs. Defaults to both stdout and stderr.",
  },
  stdin: { type: "string", description: "What the command reads from its standard input." },
};

/** What every run of a local command takes, be it a resource or a function. */
const localInputs: PropertySpecs = {
  ...runnerInputs,
  archivePaths: {
    type: "string[]",
    description: "Globs of the files to return as one archive once the command is done. `!` excludes.",
  },
  assetPaths: {
    type: "string[]",
    description: "Globs of the files to return as assets once the command is done. `!` excludes.",
  },
  dir: { type: "string", description: "The directory to run the command in; it must exist." },
  interpreter: {
    type: "string[]",
    description: 'The program and arguments that the command is handed to. Defaults to ["/bin/sh", "-c"].',
  },
};

const triggers: PropertySpecs = {
  triggers: {
    type: "any[]",
    replaces: true,
    description: "Values of any type; a change of one replaces the resource.",
  },
};

/** What a resource runs at each step of its life. */
const lifeInputs: PropertySpecs = {
  create: { type: "string", description: "The command to run on create." },
  delete: { type: "string", description: "The command to run on delete." },
  update: { type: "string", description: "The command to run on update; without one, create runs again." },
  ...triggers,
};

/** The inputs of the resource `command:local:Command`. */
export const commandInputs: PropertySpecs = { ...localInputs, ...lifeInputs };

const connection: PropertySpecs = {
  connection: {
    type: "connection",
    required: true,
    description:
      "How to reach the server: host, port, user, privateKey or agentSocketPath or password, hostKey, proxy, dialErrorLimit, perDialTimeout.",
  },
};

/** The inputs of the resource `command:remote:Command`. */
export const remoteCommandInputs: PropertySpecs = { ...runnerInputs, ...lifeInputs, ...connection };

/** The inputs of the resource `command:remote:CopyToRemote`. */
export const copyInputs: PropertySpecs = {
  ...connection,
  remotePath: { type: "string", required: true, description: "Where to copy to; into it when it is a folder." },
  source: { type: "asset", required: true, description: "The file, folder or text to copy." },
  ...triggers,
};

/** The arguments of the function `command:local:run`. */
export const runInputs: PropertySpecs = {
  ...localInputs,
  command: { type: "string", required: true, description: "The command to run." },
};

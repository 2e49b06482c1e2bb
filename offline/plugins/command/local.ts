import { execute } from "./execute";
import { findAssets } from "./files";
import type { Context, FunctionHandler, ResourceHandler } from "./context";
import { text, textList, textMap } from "../common/inputs";
import { previewedOutputs, previousOutputs, previousOutputVariables, unknownOutputs } from "./outputs";
import { commandInputs, runInputs } from "./specs";
import { assetArchive, type PropertyMap } from "../common/values";

const defaultInterpreter: [string, ...string[]] = ["/bin/sh", "-c"];

/** `command:local:Command`: a command for each step in a resource's life. */
export const localCommand: ResourceHandler = {
  inputs: commandInputs,
  previewCreate: (inputs) => ({ ...inputs, ...unknownOutputs }),
  previewUpdate: (olds, news) => ({ ...news, ...previewedOutputs(olds, news) }),
  create: async (context, urn, inputs) => ({
    state: await runLocally(context, urn, text(inputs, "create"), inputs, { stdout: "", stderr: "" }),
  }),
  update: (context, { urn }, olds, news) =>
    runLocally(context, urn, text(news, "update") ?? text(news, "create"), news, previousOutputs(olds)),
  delete: async (context, { urn }, state) => {
    await runLocally(context, urn, text(state, "delete"), state, previousOutputs(state));
  },
};

/** `command:local:run`: a command that is run at once, in previews too. */
export const localRun: FunctionHandler = {
  inputs: runInputs,
  invoke: (context, args) => runLocally(context, "", text(args, "command"), args, {}),
};

/**
 * Runs one command as the inputs say.
 * @param previous the outputs of the run before, which also stay if there is no command to run
 * @returns the inputs and the outputs
 * @throws if the command fails, or a file that the globs find cannot be read
 */
async function runLocally(
  context: Context,
  urn: string,
  command: string | undefined,
  inputs: PropertyMap,
  previous: PropertyMap,
): Promise<PropertyMap> {
  if (command === undefined) {
    return { ...inputs, ...previous };
  }
  const [program, ...args] = textList(inputs, "interpreter") ?? [];
  const dir = text(inputs, "dir");
  const log = context.log.open(urn, text(inputs, "logging"));
  const execution = execute(
    {
      command,
      interpreter: program === undefined ? defaultInterpreter : [program, ...args],
      dir,
      environment: { ...textMap(inputs, "environment"), ...previousOutputVariables(inputs, previous) },
      stdin: text(inputs, "stdin"),
      onOutput: (stream, piece) => log.write(stream, piece),
    },
    context.groups,
  );
  const printed = await execution.finally(() => log.end());
  return {
    ...inputs,
    ...previous,
    stdout: printed.stdout,
    stderr: printed.stderr,
    ...(await foundFiles(inputs, dir ?? process.cwd())),
  };
}

async function foundFiles(inputs: PropertyMap, dir: string): Promise<PropertyMap> {
  const assetPaths = textList(inputs, "assetPaths");
  const archivePaths = textList(inputs, "archivePaths");
  return {
    ...(assetPaths && { assets: await findAssets(dir, assetPaths) }),
    ...(archivePaths && { archive: assetArchive(await findAssets(dir, archivePaths)) }),
  };
}

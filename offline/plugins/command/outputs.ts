import { sameValue } from "../common/diff";
import { flag, text } from "../common/inputs";
import { containsUnknown, unknownValue, type PropertyMap } from "../common/values";

const outputNames: ReadonlySet<string> = new Set(["stdout", "stderr", "assets", "archive"]);

/** What earlier runs of a resource left in its state: stdout, stderr, and assets and an archive if there are any. */
export function previousOutputs(state: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(state).filter(([name]) => outputNames.has(name)));
}

/** The outputs that a preview shows for a resource that is to be created. */
export const unknownOutputs: PropertyMap = { stdout: unknownValue, stderr: unknownValue };

/**
 * The outputs that a preview shows for an update: unknown if an input is, or differs from the old one.
 * An input that the old state does not have at all leaves them as they were, as it does with the official plugin.
 */
export function previewedOutputs(olds: PropertyMap, news: PropertyMap): PropertyMap {
  const outputs = previousOutputs(olds);
  const inputNames = Object.keys({ ...olds, ...news }).filter((name) => !(name in outputs));
  const changed = inputNames.some((name) => containsUnknown(news[name] ?? null) || (name in olds && !sameValue(olds[name], news[name])));
  if (!changed) {
    return outputs;
  }
  return Object.fromEntries(Object.keys(outputs).map((name) => [name, unknownValue]));
}

/** The variables in which a run finds what the run before it printed, unless the inputs switch that off. */
export function previousOutputVariables(inputs: PropertyMap, previous: PropertyMap): Record<string, string> {
  const variables: Record<string, string> = {};
  if (flag(inputs, "addPreviousOutputInEnv") ?? true) {
    for (const stream of ["stdout", "stderr"]) {
      const output = text(previous, stream);
      if (output) {
        variables[`PULUMI_COMMAND_${stream.toUpperCase()}`] = output;
      }
    }
  }
  return variables;
}

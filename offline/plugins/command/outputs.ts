import { sameValue } from "./diff";
import type { CommandOutput } from "./execute";
import { containsSecret, containsUnknown, secret, unknownValue, type PropertyMap } from "./values";

const outputNames = ["stdout", "stderr", "assets", "archive"] as const;

/** What earlier runs of a resource left in its state: stdout, stderr, and assets and an archive if there are any. */
export function previousOutputs(state: PropertyMap): PropertyMap {
    return Object.fromEntries(outputNames.filter((name) => name in state).map((name) => [name, state[name]]));
}

/** The outputs that a run gives; secret as soon as one input is, since the command may print what it was given. */
export function printedOutputs(inputs: PropertyMap, printed: CommandOutput): PropertyMap {
    return markSecret(inputs, { stdout: printed.stdout, stderr: printed.stderr });
}

/** The outputs that a preview shows for a resource that is to be created. */
export function unknownOutputs(inputs: PropertyMap): PropertyMap {
    return markSecret(inputs, { stdout: unknownValue, stderr: unknownValue });
}

/**
 * The outputs that a preview shows for an update: unknown if an input is, or differs from the old one.
 * An input that the old state does not have at all leaves them as they were, as it does with the official plugin.
 */
export function previewedOutputs(olds: PropertyMap, news: PropertyMap): PropertyMap {
    const outputs = previousOutputs(olds);
    const inputNames = Object.keys({ ...olds, ...news }).filter((name) => !(name in outputs));
    const changed = inputNames.some(
        (name) => containsUnknown(news[name] ?? null) || (name in olds && !sameValue(olds[name], news[name])),
    );
    if (!changed) {
        return outputs;
    }
    return markSecret(news, Object.fromEntries(Object.keys(outputs).map((name) => [name, unknownValue])));
}

function markSecret(inputs: PropertyMap, outputs: PropertyMap): PropertyMap {
    if (!containsSecret(inputs)) {
        return outputs;
    }
    return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, secret(value)]));
}

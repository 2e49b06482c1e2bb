import { randomBytes } from "node:crypto";
import type { ResourceHandler } from "../common/handlers";
import { figure } from "../common/inputs";
import { unknownValue, type PropertyMap } from "../common/values";

/**
 * `random:index/randomBytes:RandomBytes`: `length` bytes of the system's generator, as `base64` and `hex`, made once and kept in the state. The outputs are secrets by
 * the SDK's own declaration.
 */
export const randomBytesResource: ResourceHandler<undefined> = {
  inputs: {
    length: { type: "number", description: "How many bytes, from 1 on.", required: true, replaces: true },
    keepers: { type: "map", description: "Values whose change makes other bytes.", replaces: true },
  },
  previewCreate: (inputs) => {
    lengthOf(inputs);
    return { ...inputs, base64: unknownValue, hex: unknownValue };
  },
  previewUpdate: (_, news) => news,
  create: async (_, __, inputs) => {
    const bytes = randomBytes(lengthOf(inputs));
    // The official plugin has no id to give either: the bytes themselves would be in clear there.
    return { id: "none", state: { ...inputs, base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
  },
  update: async (_, __, olds) => olds,
  delete: async () => undefined,
};

/** @throws Error when it is no whole number from 1 on */
function lengthOf(inputs: PropertyMap): number {
  const length = figure(inputs, "length") ?? 0;
  if (!Number.isInteger(length) || length < 1) throw new Error("length: must be a whole number from 1 on");
  return length;
}

import type { Provider } from "@pulumi/pulumi/provider";
import { randomBytes } from "node:crypto";

/** The package whose official plugin this one stands in for, and the version that it behaves like. */
const VERSION = "4.21.2";

/** The one resource that is provided. Its outputs are secrets by the SDK's own declaration. */
const TOKEN = "random:index/randomBytes:RandomBytes";

/** Inputs of the resource; a change of one makes other bytes, hence another resource. */
const INPUTS = ["length", "keepers"] as const;

type Inputs = Readonly<Partial<Record<(typeof INPUTS)[number], unknown>>>;

/**
 * `random.RandomBytes` as the official plugin has it: `length` bytes of the system's generator, as `base64` and `hex`, made once and kept in the state. Every
 * other resource of the package is refused.
 */
export const randomBytesProvider: Provider = {
  version: VERSION,
  check: async (urn, _olds, news: Inputs) => {
    if (!urn.includes(`::${TOKEN}::`) && !urn.includes(`$${TOKEN}::`)) {
      return { inputs: news, failures: [{ property: "", reason: `this plugin (${VERSION}, stand-in) provides ${TOKEN} only` }] };
    }
    const { length } = news;
    const sound = typeof length === "number" && Number.isInteger(length) && length >= 1;
    return { inputs: news, failures: sound ? [] : [{ property: "length", reason: "must be a whole number from 1 on" }] };
  },
  diff: async (_id, _urn, olds: Inputs, news: Inputs) => {
    const replaces = INPUTS.filter((name) => JSON.stringify(olds[name] ?? null) !== JSON.stringify(news[name] ?? null));
    return { changes: replaces.length > 0, replaces };
  },
  create: async (_urn, inputs: Inputs) => {
    const bytes = randomBytes(Number(inputs.length));
    // The official plugin has no id to give either: the bytes themselves would be in clear there.
    return { id: "none", outs: { ...inputs, base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
  },
  delete: async () => undefined,
};

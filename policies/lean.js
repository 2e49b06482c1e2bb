"use strict";
// Keeps what no policy uses out of the pack's process; required before @pulumi/policy.

const path = require("node:path");

/**
 * Parts of the SDK that turn functions into text (with a TypeScript compiler and npm's Arborist) or drive the CLI. They are two thirds of the time that the
 * SDK takes to load, at each preview.
 */
const UNUSED = ["automation", "runtime/closure/serializeClosure", "runtime/closure/codePaths"];

/** Loads these parts as empty modules. Where an SDK has them elsewhere they are loaded as ever, and the start is slower. */
function skipUnused() {
  const sdk = path.dirname(require.resolve("@pulumi/pulumi/package.json"));
  for (const part of UNUSED) {
    try {
      const file = require.resolve(path.join(sdk, part));
      const empty = new (require("node:module").Module)(file);
      empty.loaded = true;
      require.cache[file] ??= empty;
    } catch {
      continue;
    }
  }
}

module.exports = { skipUnused };

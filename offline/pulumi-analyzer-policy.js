#!/usr/bin/env node
"use strict";
// What the engine starts in the folder of a policy pack: pulumi-analyzer-policy ENGINE PACK -OPTION=VALUE ... with the options of PulumiPolicy.yaml.
// As the one that comes with the CLI, but a pack that says `typescript: false` is loaded as it is: the SDK would load a TypeScript compiler first (0.7 s).

const path = require("node:path");

const pack = path.resolve(process.argv[3] ?? ".");
if (process.argv.includes("-typescript=false")) {
  require(pack);
} else {
  const main = require.resolve("@pulumi/pulumi/cmd/run-policy-pack", { paths: [pack] });
  process.argv[1] = main;
  require(main);
}

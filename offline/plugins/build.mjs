// Bundles a plugin to one executable file: node offline/plugins/build.mjs <name> <output directory>
import { buildSync } from "esbuild";
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";

const [name, outputDirectory] = process.argv.slice(2);
if (!name || !outputDirectory) {
  process.stderr.write("usage: node build.mjs <name> <output directory>\n");
  process.exit(2);
}
const executable = join(outputDirectory, `pulumi-resource-${name}`);
buildSync({
  entryPoints: [join(dirname(process.argv[1] ?? ""), name, "main.ts")],
  outfile: executable,
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // What ssh2 uses when it finds it compiled; it goes on in plain JavaScript without.
  external: ["cpu-features", "*.node"],
  legalComments: "inline",
  banner: { js: "#!/usr/bin/env node" },
  logLevel: "warning",
});
chmodSync(executable, 0o755);

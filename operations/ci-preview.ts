import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { previewComment, type StackPreview } from "./preview-comment";

const ROOT = join(__dirname, "..");

/** Runs a command of setup/run.js. @returns its exit code and what it printed, which is shown as well */
function run(...args: string[]): { readonly passed: boolean; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join(ROOT, "setup/run.js"), ...args], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 256 * 2 ** 20,
  });
  if (error !== undefined) throw error;
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return { passed: status === 0, output: status === 0 ? stdout : `${stdout}\n${stderr}` };
}

/** Previews a stack under the policy pack without a look at its hosts. @param file its settings, `Pulumi.<stack>.yaml` */
function preview(file: string): StackPreview {
  const stack = basename(file).replace(/^Pulumi\.(.*)\.yaml$/, "$1");
  console.log(`== ${stack}`);
  const unobserved = ["--config", "messaging:observe=false"];
  return { stack, ...run("preview", "--stack", stack, "--config-file", file, ...unobserved, "--diff", "--color", "never") };
}

/** Every stack of the clone. */
function stackFiles(): string[] {
  return readdirSync(ROOT).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { comment: { type: "string" }, "previews-only": { type: "boolean", default: false } },
});
const checks = values["previews-only"] || run("check", "sh", "test/run.sh", "fast").passed;
const previews = (positionals.length > 0 ? positionals : stackFiles()).map(preview);
const comment = previewComment(previews, process.env);
if (values.comment === undefined) console.log(comment);
else writeFileSync(values.comment, comment);
for (const { stack, passed } of previews) console.log(`${stack}: ${passed ? "passed" : "refused"}`);
process.exitCode = checks && previews.every(({ passed }) => passed) ? 0 : 1;

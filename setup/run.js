"use strict";
// Usage: node setup/run.js up|preview|destroy|outputs|status|doctor|logs|drift|budget|backup|restore|upgrade|forget|pulumi|setup|compose|check|exec|ci:preview|clean [arguments]
// Behind every npm script: brings what is missing, then runs the pulumi CLI. Requires little at the top, because a run
// with nothing to do has to start at once.

const path = require("node:path");
const { takeStackOptions } = require("./arguments.js");
const { defaultStack, developmentEnvironment, pulumiEnvironment } = require("./environment.js");
const { readIfPresent } = require("./files.js");
const { missing } = require("./missing.js");
const { allArtifacts, artifactsOfUpgrade, stackArtifacts } = require("./needed.js");
const { root } = require("./paths.js");
const { SetupError, runForeground } = require("./processes.js");
const { say } = require("./progress.js");
const { ensureStack, prepareState, settingsFile, settingsSource } = require("./stack.js");

/** Commands of the CLI that may write to the stack's settings, with what they need to run without questions. */
const operations = new Map([
  ["up", ["--yes"]],
  ["preview", []],
  ["destroy", ["--yes"]],
  ["refresh", ["--yes"]],
  ["import", ["--yes"]],
]);

/**
 * Makes what is missing.
 * @param {import("./missing.js").Needs} needs
 */
async function bring(needs) {
  const items = missing(needs);
  if (items.length > 0) await require("./ensure.js").ensure(needs, items);
}

/**
 * The artefacts that an up of the stack installs.
 * @param {string[]} args of the up
 */
function artifactsOfUp(args) {
  const { stack = defaultStack(), settings } = takeStackOptions(args);
  return stackArtifacts(readIfPresent(settingsSource(stack, settings)) ?? "");
}

/**
 * Runs the pulumi CLI.
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
function pulumi(args) {
  return runForeground("pulumi", args, pulumiEnvironment());
}

/** Commands that policies judge. */
const judged = ["up", "preview"];

/**
 * The policy pack for a command. A policy on the whole stack speaks when everything is declared: in a preview, before anything is done, and without one only afterwards.
 * @param {string} command
 * @param {string[]} args of the user
 * @returns {string[]} arguments for the CLI
 * @throws {SetupError} when the user wants no preview
 */
function underPolicies(command, args) {
  if (!judged.includes(command)) return [];
  const skips = args.find((arg) => /^(--skip-preview(=.*)?|-[dfjry]*f[dfjry]*)$/.test(arg));
  if (skips) throw new SetupError(`${skips}: an up without its preview would be judged by the policies when all is done; leave it out`);
  return ["--policy-pack", path.join(root, "policies")];
}

/**
 * Runs one command of the CLI on the stack, which is created when it does not exist.
 * @param {string} command of `operations`
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function operate(command, args) {
  const { stack = defaultStack(), settings, rest } = takeStackOptions(args);
  const policies = underPolicies(command, rest);
  ensureStack(stack);
  const copy = settingsFile(stack, settings);
  // The program looks there whether secrets are encrypted; the CLI does not tell it.
  process.env.MESSAGING_SETTINGS = copy;
  require("./heal.js").heal(stack);
  const quiet = operations.get(command) ?? [];
  const options = [...quiet, ...policies, "--non-interactive", "--stack", stack, "--config-file", copy, ...rest];
  return command === "destroy" ? runProgram("destroy", stack, options) : pulumi([command, ...options]);
}

/**
 * Shows the outputs of the stack.
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function outputs(args) {
  const { stack = defaultStack(), rest } = takeStackOptions(args);
  ensureStack(stack);
  return pulumi(["stack", "output", "--non-interactive", "--stack", stack, ...rest]);
}

/**
 * Runs any command of the CLI; those that write settings do so in the copy, except `config`, which edits the clone's own.
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function anything([command = "", ...args]) {
  if (operations.has(command)) return operate(command, args);
  if (command === "config") ensureStack(takeStackOptions(args).stack ?? defaultStack());
  return pulumi([command, ...args].filter(Boolean));
}

/**
 * Runs a program of operations/ on the stack.
 * @param {string} program
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function operation(program, args) {
  const { stack = defaultStack(), rest } = takeStackOptions(args);
  ensureStack(stack);
  return runProgram(program, stack, rest);
}

/**
 * @param {string} program of operations/
 * @param {string} stack
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function runProgram(program, stack, args) {
  return runForeground(process.execPath, ["--import", "tsx", `operations/${program}.ts`, ...args], {
    ...pulumiEnvironment(),
    PULUMI_STACK: stack,
  });
}

/**
 * Tries or explains an upgrade.
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function upgrade(args) {
  const { stack = defaultStack(), settings, rest } = takeStackOptions(args);
  ensureStack(stack);
  return operation("upgrade", ["--stack", stack, "--settings", settingsFile(stack, settings), ...rest]);
}

/**
 * Looks at what may trouble the stack, also where nothing is set up yet.
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function doctor(args) {
  const { stack = defaultStack(), settings, rest } = takeStackOptions(args);
  return runProgram("doctor", stack, ["--settings", settingsSource(stack, settings), ...rest]);
}

/**
 * Runs a program of the checks and tests.
 * @param {string[]} args the program and its arguments
 * @returns {Promise<number>} exit code
 */
function develop([program = "", ...args]) {
  return runForeground(program, args, developmentEnvironment());
}

/**
 * @typedef {object} Command
 * @property {import("./missing.js").Needs} [needs] what has to be there besides the artefacts for hosts
 * @property {(args: string[]) => import("./needed.js").Artifact[]} [artifacts] asked when the packages are there
 * @property {(args: string[]) => Promise<number>} run
 */

const packages = { packages: true };
const cli = { ...packages, pulumi: true };
const checks = { ...packages, development: true };

/** @type {[string, Command][]} */
const table = [
  ["up", { needs: cli, artifacts: artifactsOfUp, run: (args) => operate("up", args) }],
  ["preview", { needs: cli, run: (args) => operate("preview", args) }],
  ["destroy", { needs: cli, run: (args) => operate("destroy", args) }],
  ["outputs", { needs: cli, run: outputs }],
  ["status", { needs: cli, run: (args) => operation("status", args) }],
  ["doctor", { needs: packages, run: doctor }],
  ["logs", { needs: cli, run: (args) => operation("logs", args) }],
  ["drift", { needs: cli, run: (args) => operation("drift", args) }],
  ["budget", { needs: cli, run: (args) => operation("budget", args) }],
  ["backup", { needs: cli, run: (args) => operation("backup", ["backup", ...args]) }],
  ["restore", { needs: cli, run: (args) => operation("backup", ["restore", ...args]) }],
  ["upgrade", { needs: cli, artifacts: artifactsOfUpgrade, run: upgrade }],
  ["forget", { needs: cli, run: (args) => operation("forget", args) }],
  ["pulumi", { needs: cli, artifacts: ([command, ...args]) => (command === "up" ? artifactsOfUp(args) : []), run: anything }],
  ["setup", { needs: cli, artifacts: artifactsOfUp, run: async () => 0 }],
  ["compose", { needs: packages, run: () => runForeground(process.execPath, ["--import", "tsx", "compose/generate.ts"], process.env) }],
  ["check", { needs: checks, run: develop }],
  ["exec", { needs: { ...cli, ...checks }, artifacts: allArtifacts, run: develop }],
  [
    "ci:preview",
    { needs: { ...cli, ...checks }, run: (args) => develop([process.execPath, "--import", "tsx", "operations/ci-preview.ts", ...args]) },
  ],
  ["clean", { run: () => require("./ensure.js").runLocked("tools", "clean.js", []) }],
];
const commands = new Map(table);

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function main(name, args) {
  const command = commands.get(name);
  if (!command) throw new SetupError(`unknown command ${name}: use ${[...commands.keys()].join(", ")}`);
  const { needs, artifacts, run } = command;
  if (needs) {
    await bring(needs);
    // Looked at second: reading the stack's settings takes one of the packages.
    if (artifacts) await bring({ artifacts: artifacts(args) });
    prepareState();
  }
  return run(args);
}

main(process.argv[2] ?? "", process.argv.slice(3)).then(
  (code) => (process.exitCode = code),
  (/** @type {unknown} */ error) => {
    say(error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error));
    process.exitCode = 1;
  },
);

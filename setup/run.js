"use strict";
// Usage: node setup/run.js up|preview|destroy|outputs|status|drift|pulumi|setup|exec|clean [arguments]
// Behind every npm script: brings what is missing, then runs the pulumi CLI. Requires little at the top, because a run
// with nothing to do has to start at once.

const { takeStackOptions } = require("./arguments.js");
const { defaultStack, developmentEnvironment, pulumiEnvironment } = require("./environment.js");
const { missing } = require("./missing.js");
const { SetupError, runForeground } = require("./processes.js");
const { say } = require("./progress.js");
const { ensureStack, prepareState, settingsFile } = require("./stack.js");

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
 * @param {boolean} development with the tools of the checks
 */
async function setup(development) {
  const items = missing(development);
  if (items.length > 0) await require("./ensure.js").ensure(items);
  prepareState();
}

/**
 * Runs the pulumi CLI.
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
function pulumi(args) {
  return runForeground("pulumi", args, pulumiEnvironment());
}

/**
 * Runs one command of the CLI on the stack, which is created when it does not exist.
 * @param {string} command of `operations`
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function operate(command, args) {
  const { stack = defaultStack(), settings, rest } = takeStackOptions(args);
  ensureStack(stack);
  const copy = settingsFile(stack, settings);
  require("./heal.js").heal(stack);
  const quiet = operations.get(command) ?? [];
  return pulumi([command, ...quiet, "--non-interactive", "--stack", stack, "--config-file", copy, ...rest]);
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
  return runForeground(process.execPath, ["--import", "tsx", `operations/${program}.ts`, ...rest], {
    ...pulumiEnvironment(),
    PULUMI_STACK: stack,
  });
}

/** @type {Map<string, (args: string[]) => Promise<number>>} */
const commands = new Map([
  ["up", (args) => operate("up", args)],
  ["preview", (args) => operate("preview", args)],
  ["destroy", (args) => operate("destroy", args)],
  ["outputs", outputs],
  ["status", (args) => operation("status", args)],
  ["drift", (args) => operation("drift", args)],
  ["pulumi", anything],
  ["setup", async () => 0],
  ["exec", ([program = "", ...args]) => runForeground(program, args, developmentEnvironment())],
  ["clean", () => require("./ensure.js").runLocked("tools", "clean.js", [])],
]);

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function run(name, args) {
  const command = commands.get(name);
  if (!command) throw new SetupError(`unknown command ${name}: use ${[...commands.keys()].join(", ")}`);
  if (name !== "clean") await setup(name === "exec");
  return command(args);
}

run(process.argv[2] ?? "", process.argv.slice(3)).then(
  (code) => (process.exitCode = code),
  (/** @type {unknown} */ error) => {
    say(error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error));
    process.exitCode = 1;
  },
);

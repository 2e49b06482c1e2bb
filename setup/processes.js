"use strict";
// Running other programs: in the foreground with the user's terminal, or as a step whose output goes to a log.

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { cacheDir, root } = require("./paths.js");

/** A failure that the user can act on; it is shown without a stack trace. */
class SetupError extends Error {}

/**
 * Whether this process is in the foreground of a terminal, which then sends Ctrl-C to the child as well.
 * @returns {boolean}
 */
function terminalSignalsChild() {
  try {
    const fields = fs
      .readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[2] === fields[5]; // process group, foreground group of the terminal
  } catch {
    return process.stdin.isTTY || process.stderr.isTTY;
  }
}

/**
 * Waits for a child and passes signals on to it. A second interrupt makes Pulumi stop without finishing the
 * running operation, so an interrupt that the terminal has already delivered is not sent again.
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<number>} its exit code, or 128 plus the number of the signal that ended it
 * @throws {SetupError} when it could not be started
 */
function finish(child) {
  /** @type {(signal: NodeJS.Signals) => void} */
  const forward = (signal) => {
    if (signal !== "SIGINT" || !terminalSignalsChild()) child.kill(signal);
  };
  process.on("SIGINT", forward).on("SIGTERM", forward);
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new SetupError(`cannot run ${child.spawnfile}: ${error.message}`)));
    child.on("exit", (code, signal) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      resolve(code ?? 128 + (signal ? os.constants.signals[signal] : 0));
    });
  });
}

/**
 * Runs a program with this process's own input, output and working folder of the clone.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} exit code
 */
function runForeground(command, args, env = process.env) {
  return finish(spawn(command, args, { cwd: root, env, stdio: "inherit" }));
}

/**
 * @param {string} step
 * @returns {string} the log file that keeps the step's full output
 */
function logFile(step) {
  return path.join(cacheDir(), "logs", `${step}.log`);
}

/**
 * @param {string} step
 * @returns {string[]} lines that the step has written so far
 */
function logLines(step) {
  return fs.readFileSync(logFile(step), "utf8").trimEnd().split("\n");
}

/**
 * Runs a program without input, its output kept in the step's log.
 * @param {string} step name of the log
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, fix?: string }} [options] `fix` tells the user what to do on failure
 * @throws {SetupError} with the last lines of the output, when the program fails
 */
async function runLogged(step, command, args, options = {}) {
  const file = logFile(step);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const log = fs.openSync(file, "w");
  // Node.js closes what it inherited in the programs it starts. This one has to keep the lock (locked.py) for as long
  // as it writes, also when this process is killed.
  const lock = Number(process.env.MESSAGING_LOCK_FD ?? log);
  const child = spawn(command, args, { cwd: options.cwd ?? root, env: options.env, stdio: ["ignore", log, log, lock] });
  fs.closeSync(log);
  const code = await finish(child);
  if (code === 130 || code === 143) throw new SetupError(`${step} was interrupted`);
  if (code !== 0) {
    const tail = logLines(step).slice(-15).join("\n  ");
    const fix = options.fix ? `\n${options.fix}` : "";
    throw new SetupError(`${step} failed: ${path.basename(command)} ended with ${code}:\n  ${tail}\nall of it: ${file}${fix}`);
  }
}

module.exports = { SetupError, runForeground, runLogged, logLines };

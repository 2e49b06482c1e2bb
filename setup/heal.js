"use strict";
// What a killed run leaves in a backend on disk: a lock of a dead process, and operations that never ended.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pulumiBin, pulumiEnvironment } = require("./environment.js");
const { listIfPresent, readIfPresent } = require("./files.js");
const { PROJECT } = require("./paths.js");
const { say } = require("./progress.js");
const { SetupError } = require("./processes.js");
const { localBackend, shortName, stateFile } = require("./stack.js");

/**
 * @typedef {{ pid: number, hostname: string, username: string }} Lock content of a lock file of the CLI
 * @typedef {{ type: string, resource: { urn: string } }} Operation
 * @typedef {{ pending_operations?: Operation[] }} Deployment what the CLI exports of a stack, as far as it is read here
 */

/**
 * The name of a running program.
 * @param {number} pid
 * @returns {string | undefined} undefined when there is no such process, or only what a killed one leaves until it is reaped
 */
function programOf(pid) {
  const line =
    process.platform === "linux"
      ? readIfPresent(`/proc/${pid}/stat`)?.replace(/^\d+ \((.*)\) (\S).*/s, "$2 $1")
      : spawnSync("ps", ["-o", "stat=,comm=", "-p", String(pid)], { encoding: "utf8" }).stdout.trim();
  const [, state, name] = /^(\S+)\s+(.+)$/.exec(line ?? "") ?? [];
  return state?.startsWith("Z") ? undefined : name && path.basename(name);
}

/**
 * Whether nobody holds a lock any more: its process was on this very machine and is gone, or another program has its number now.
 * @param {Lock} lock
 * @param {string} hostname of this machine
 * @param {(pid: number) => string | undefined} program
 * @returns {boolean}
 */
function isStale(lock, hostname, program) {
  return lock.hostname === hostname && program(lock.pid) !== "pulumi";
}

/**
 * Runs the CLI on a stack.
 * @param {string} stack
 * @param {string[]} args
 * @param {string} [input]
 * @returns {string} standard output
 * @throws {SetupError} when it fails
 */
function pulumi(stack, args, input = "") {
  const all = [...args, "--stack", stack, "--non-interactive"];
  const { status, stdout, stderr } = spawnSync("pulumi", all, {
    encoding: "utf8",
    env: pulumiEnvironment(),
    input,
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new SetupError(`pulumi ${args.join(" ")} failed:\n${stderr.trim()}`);
  return stdout;
}

/** Ends the language hosts that killed engines left behind: they wait for ever. */
function endOrphans() {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8", maxBuffer: 64 * 2 ** 20 });
  const host = path.join(pulumiBin(), "pulumi-language-nodejs");
  for (const line of stdout.split("\n")) {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (command?.startsWith(`${host} `) && programOf(Number(parent)) !== "pulumi") process.kill(Number(pid));
  }
}

/**
 * Removes attributes of files that a kill has cut off. The file backend writes `<file>.attrs` in place and reads nothing of a file whose attributes do not
 * parse ("failed to load checkpoint: EOF"); a file without attributes it reads.
 * @param {string} backend folder
 * @returns {string[]} what was removed
 */
function removeTornAttributes(backend) {
  const torn = fs
    .readdirSync(path.join(backend, ".pulumi"), { encoding: "utf8", recursive: true })
    .filter((file) => file.endsWith(".attrs"))
    .map((file) => path.join(backend, ".pulumi", file))
    .filter((file) => !parses(fs.readFileSync(file, "utf8")));
  for (const file of torn) fs.rmSync(file);
  return torn;
}

/**
 * @param {string} text
 * @returns {boolean} whether it is JSON
 */
function parses(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Removes the locks of killed runs. A lock that somebody holds stays, and the CLI reports it.
 * @param {string} backend folder
 * @param {string} stack
 * @returns {boolean} whether the stack is free now
 */
function removeStaleLocks(backend, stack) {
  const dir = path.join(backend, ".pulumi", "locks", "organization", PROJECT, shortName(stack));
  const locks = listIfPresent(dir)
    .filter((file) => file.endsWith(".json"))
    .map((file) => /** @type {Lock} */ (JSON.parse(fs.readFileSync(path.join(dir, file), "utf8"))));
  // `cancel` removes every lock of the stack, so one that is held protects them all.
  if (!locks.every((lock) => isStale(lock, os.hostname(), programOf))) return false;
  if (locks.length === 0) return true;
  removeTornAttributes(backend);
  pulumi(stack, ["cancel", "--yes"]);
  endOrphans();
  say(`removed the lock of an interrupted run (pid ${locks.map((lock) => lock.pid).join(", ")} is gone)`);
  return true;
}

/**
 * Forgets creations that never ended: every task can be applied again, so the next run simply does them.
 * Other unfinished operations are settled by the engine itself.
 * @param {string} backend folder
 * @param {string} stack
 */
function clearPendingCreates(backend, stack) {
  const state = /** @type {{ checkpoint?: { latest?: Deployment } }} */ (JSON.parse(readIfPresent(stateFile(backend, stack)) ?? "{}"));
  if (pendingCreates(state.checkpoint?.latest).length === 0) return;
  const exported = /** @type {{ deployment: Deployment }} */ (JSON.parse(pulumi(stack, ["stack", "export"])));
  const pending = pendingCreates(exported.deployment);
  exported.deployment.pending_operations = (exported.deployment.pending_operations ?? []).filter(
    (operation) => !pending.includes(operation),
  );
  pulumi(stack, ["stack", "import"], JSON.stringify(exported));
  const names = pending.map(({ resource }) => resource.urn.slice(resource.urn.lastIndexOf("::") + 2));
  say(`cleared what an interrupted run had begun to create: ${names.join(", ")}`);
}

/**
 * @param {Deployment | undefined} deployment
 * @returns {Operation[]}
 */
function pendingCreates(deployment) {
  return (deployment?.pending_operations ?? []).filter(({ type }) => type === "creating");
}

/**
 * Puts a stack right after an interrupted run; does nothing on a backend that is not on this machine's disk.
 * @param {string} stack
 * @throws {SetupError} when the CLI refuses
 */
function heal(stack) {
  const backend = localBackend(pulumiEnvironment());
  if (!backend) return;
  // What is pending while somebody holds the lock is being worked on.
  if (removeStaleLocks(backend, stack)) clearPendingCreates(backend, stack);
}

module.exports = { isStale, programOf, removeTornAttributes, heal };

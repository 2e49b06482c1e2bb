"use strict";
// The backend, the passphrase and the stack: made when they are missing.

const { spawnSync } = require("node:child_process");
const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { fileURLToPath } = require("node:url");
const { hasOwnPassphrase, passphraseFile, pulumiEnvironment } = require("./environment.js");
const { sha256, writeWhole } = require("./files.js");
const { PROJECT, root, stateDir } = require("./paths.js");
const { say } = require("./progress.js");
const { SetupError } = require("./processes.js");
const { refreshSettings } = require("./settings.js");

/**
 * The folder of a backend on this machine's disk, the project's own or one that the user named.
 * @param {NodeJS.ProcessEnv} env from pulumiEnvironment()
 * @returns {string | undefined} undefined for any other backend
 */
function localBackend(env) {
  const url = env.PULUMI_BACKEND_URL ?? "";
  return url.startsWith("file:///") ? fileURLToPath(url) : undefined;
}

/** Makes the state folder's parts that need no CLI: the backend's folder and the passphrase. */
function prepareState() {
  const backend = localBackend(pulumiEnvironment());
  for (const dir of [path.join(stateDir(), "stacks"), backend]) if (dir) fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (hasOwnPassphrase() || fs.existsSync(passphraseFile())) return;
  writeWhole(passphraseFile(), `${crypto.randomBytes(32).toString("base64url")}\n`, 0o600);
}

/**
 * The short name of a stack, without organisation and project.
 * @param {string} stack
 * @returns {string}
 */
function shortName(stack) {
  return stack.slice(stack.lastIndexOf("/") + 1);
}

/**
 * A stack's file in a backend on disk.
 * @param {string} backend folder
 * @param {string} stack
 * @returns {string}
 */
function stateFile(backend, stack) {
  return path.join(backend, ".pulumi", "stacks", PROJECT, `${shortName(stack)}.json`);
}

/**
 * Runs the CLI where it can write its settings without touching the clone.
 * @param {string} stack
 * @param {string[]} args
 */
function pulumiAside(stack, args) {
  const dir = fs.mkdtempSync(path.join(stateDir(), "stacks", ".new-"));
  try {
    fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(dir, "Pulumi.yaml"));
    const all = [...args, "--stack", stack, "--non-interactive", "--cwd", dir];
    return spawnSync("pulumi", all, { encoding: "utf8", env: pulumiEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * Whether the backend has the stack. A backend on disk is asked without the CLI, which takes half a second.
 * @param {string} stack
 * @returns {boolean}
 */
function stackExists(stack) {
  const backend = localBackend(pulumiEnvironment());
  return backend ? fs.existsSync(stateFile(backend, stack)) : pulumiAside(stack, ["stack", "select"]).status === 0;
}

/**
 * Creates the stack when the backend has none of that name.
 * @param {string} stack
 * @throws {SetupError} when it cannot be created
 */
function ensureStack(stack) {
  if (stackExists(stack)) return;
  const { status, stderr } = pulumiAside(stack, ["stack", "init"]);
  if (status === 0) say(`created the stack ${stack}`);
  // Another run may have been faster.
  else if (!stackExists(stack)) throw new SetupError(`the stack ${stack} could not be created:\n${stderr.trim()}`);
}

/**
 * The folder of the copies. Stacks of the same name in different backends are encrypted differently, so each backend has its own.
 * @returns {string}
 */
function settingsDir() {
  const backend = process.env.PULUMI_BACKEND_URL;
  return path.join(stateDir(), "stacks", ...(backend ? [sha256(backend).slice(0, 16)] : []));
}

/**
 * The settings that a run is going to use.
 * @param {string} stack
 * @param {string} [own] the user's own settings file instead of the clone's
 * @returns {string} absolute path; a stack without settings has no such file
 */
function settingsSource(stack, own) {
  return path.resolve(root, own ?? `Pulumi.${shortName(stack)}.yaml`);
}

/**
 * Refreshes the copy of the stack's settings.
 * @param {string} stack
 * @param {string} [own] the user's own settings file instead of the clone's
 * @returns {string} the copy, for `--config-file`
 */
function settingsFile(stack, own) {
  const copy = path.join(settingsDir(), `Pulumi.${shortName(stack)}.yaml`);
  const source = settingsSource(stack, own);
  if (own && !fs.existsSync(source)) throw new SetupError(`--config-file ${own}: there is no such file`);
  refreshSettings(source, copy);
  return copy;
}

module.exports = { localBackend, prepareState, shortName, stateFile, ensureStack, settingsSource, settingsFile };

"use strict";
// The slow path of every command: brings what is missing.

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");
const { reachable } = require("./download.js");
const { cacheDir, root } = require("./paths.js");
const { planTable } = require("./plan.js");
const { phaseOf } = require("./missing.js");
const { checkPrerequisites } = require("./prerequisites.js");
const { say } = require("./progress.js");
const { SetupError, runForeground } = require("./processes.js");

/** What marks a folder as a cache (https://bford.info/cachedir/); also the consent to delete it. */
const CACHE_TAG = "CACHEDIR.TAG";

/** Makes the cache folder and marks it, unless it is a folder that holds something already. */
function makeCacheDir() {
  const dir = cacheDir();
  fs.mkdirSync(dir, { recursive: true });
  if (fs.readdirSync(dir).length > 0) return;
  const text = "Signature: 8a477f597d28d172789f06886806bc55\n# Cache of the messaging project: `npm run clean` deletes this folder.\n";
  fs.writeFileSync(path.join(dir, CACHE_TAG), text);
}

/**
 * The command that runs a script of this folder under a lock of the cache folder.
 * @param {string} lock name of the lock
 * @param {string} script
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
function runLocked(lock, script, args) {
  makeCacheDir();
  const lockFile = path.join(cacheDir(), "locks", `${lock}.lock`);
  const locked = [path.join(__dirname, "locked.py"), lockFile, process.execPath, path.join(__dirname, script)];
  return runForeground("python3", [...locked, ...args]);
}

/**
 * Fetches or builds what is missing and says beforehand what that costs.
 * @param {import("./missing.js").Needs} needs
 * @param {import("./missing.js").Item[]} items what of it is missing
 * @throws {SetupError} when something could not be made; what failed has been printed
 */
async function ensure(needs, items) {
  const answers = await Promise.all(items.map(async ({ url }) => url !== undefined && (await reachable(url))));
  const official = new Set(items.filter((_, i) => answers[i]));
  const others = items.filter((item) => !official.has(item));
  checkPrerequisites([
    ...(others.some(({ kind }) => kind === "cli" || kind === "artifact") ? [/** @type {const} */ ("go")] : []),
    ...(others.some(({ registry }) => registry === "Maven Central") ? [/** @type {const} */ ("maven")] : []),
  ]);
  say(planTable(items, (item) => official.has(item)));
  const order = JSON.stringify({ needs, official: [...official].map(({ name }) => name) });
  const clone = crypto.createHash("sha256").update(root).digest("hex").slice(0, 16);
  for (const [phase, lock] of Object.entries({ packages: `packages-${clone}`, tools: "tools", development: "tools" })) {
    if (!items.some(({ kind }) => phaseOf(kind) === phase)) continue;
    const code = await runLocked(lock, "install.js", [phase, order]);
    if (code !== 0) throw new SetupError("the setup did not finish; run the same command again when this is put right");
  }
}

module.exports = { CACHE_TAG, ensure, runLocked };

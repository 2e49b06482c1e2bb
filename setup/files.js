"use strict";
// Digests, and files and folders that appear whole or not at all.

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

/**
 * @param {string | Buffer} data
 * @returns {string} hexadecimal SHA-256
 */
function sha256(data) {
  return crypto.createHash("sha256").update(data).digest("hex");
}

/**
 * @param {string} file
 * @param {string} [algorithm] such as `sha512`
 * @returns {string} hexadecimal digest of the file's bytes
 */
function digestFile(file, algorithm = "sha256") {
  return crypto.createHash(algorithm).update(fs.readFileSync(file)).digest("hex");
}

/**
 * @param {string} file
 * @returns {string} hexadecimal SHA-256 of the file's bytes
 */
function sha256File(file) {
  return digestFile(file);
}

/**
 * One digest over the names and contents of all files below a folder.
 * @param {string} dir
 * @returns {string} hexadecimal SHA-256
 */
function sha256Tree(dir) {
  const hash = crypto.createHash("sha256");
  for (const entry of fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = path.join(dir, entry.name);
    hash.update(`${entry.name}\0${entry.isDirectory() ? sha256Tree(full) : sha256File(full)}\n`);
  }
  return hash.digest("hex");
}

/**
 * The file's text, or undefined when there is no such file.
 * @param {string} file
 * @returns {string | undefined}
 */
function readIfPresent(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The folder's entries, or none when there is no such folder.
 * @param {string} dir
 * @returns {string[]}
 */
function listIfPresent(dir) {
  return fs.existsSync(dir) ? fs.readdirSync(dir) : [];
}

/**
 * Writes a file so that a reader sees the old text or the new one, never a part.
 * @param {string} file
 * @param {string} text
 * @param {number} [mode] permissions of the file; its folder is made, readable by the owner alone when this says so
 */
function writeWhole(file, text, mode = 0o644) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 });
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, text, { mode });
  fs.renameSync(temporary, file);
}

/**
 * Lets `fill` work in an empty folder beside `destination`, which is replaced only when `fill` succeeds.
 * Leftovers of killed runs are removed first, so call it under the lock that guards the destination.
 * @param {string} destination absolute path of a folder
 * @param {(dir: string) => Promise<void>} fill
 * @throws whatever `fill` throws; the destination is then as it was
 */
async function replaceFolder(destination, fill) {
  const parent = path.dirname(destination);
  const prefix = `.${path.basename(destination)}.new-`;
  for (const name of listIfPresent(parent)) {
    if (name.startsWith(prefix)) fs.rmSync(path.join(parent, name), { recursive: true, force: true });
  }
  fs.mkdirSync(parent, { recursive: true });
  const temporary = fs.mkdtempSync(path.join(parent, prefix));
  fs.chmodSync(temporary, 0o755);
  try {
    await fill(temporary);
    fs.rmSync(destination, { recursive: true, force: true });
    fs.renameSync(temporary, destination);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

module.exports = { sha256, digestFile, sha256File, sha256Tree, readIfPresent, listIfPresent, writeWhole, replaceFolder };

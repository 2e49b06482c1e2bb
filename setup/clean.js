"use strict";
// Deletes the cache folder and node_modules; state and data stay. Runs under the lock of the tools.

const fs = require("node:fs");
const path = require("node:path");
const { CACHE_TAG } = require("./ensure.js");
const { cacheDir, root } = require("./paths.js");
const { megabytes, say } = require("./progress.js");

/**
 * Deletes a folder, read-only parts (Go's module cache) included.
 * @param {string} dir
 * @returns {number} bytes given back
 */
function remove(dir) {
  let bytes = 0;
  /** @type {(folder: string) => void} */
  const open = (folder) => {
    fs.chmodSync(folder, 0o700);
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) open(full);
      else bytes += fs.lstatSync(full).blocks * 512;
    }
  };
  if (!fs.existsSync(dir)) return 0;
  open(dir);
  fs.rmSync(dir, { recursive: true, force: true });
  return bytes;
}

const cache = cacheDir();
const modules = path.join(root, "node_modules");
let bytes = remove(modules);
if (fs.existsSync(path.join(cache, CACHE_TAG))) {
  bytes += remove(cache);
  say(`deleted ${cache} and ${modules}: ${megabytes(bytes)} given back`);
} else {
  say(`deleted ${modules}: ${megabytes(bytes)} given back; ${cache} was not made by this project and stays, delete it by hand`);
}

"use strict";
// Official sources over curl, which honours the user's proxy and certificates.

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const { megabytes, withProgress } = require("./progress.js");
const { runLogged } = require("./processes.js");

/**
 * Whether a file can be fetched from its official source right now.
 * @param {string} url
 * @returns {Promise<boolean>} within ten seconds
 */
function reachable(url) {
  return new Promise((resolve) => {
    const args = ["-fsSIL", "--connect-timeout", "3", "--max-time", "10", "-o", "/dev/null", url];
    const child = spawn("curl", args, { stdio: "ignore" });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}

/**
 * Fetches one file; shows the megabytes that have arrived.
 * @param {string} step name of the log
 * @param {string} url
 * @param {string} file where it goes
 * @throws {import("./processes.js").SetupError} when it cannot be fetched
 */
function download(step, url, file) {
  const args = ["-fsSL", "--connect-timeout", "3", "--retry", "3", "--speed-limit", "1000", "--speed-time", "60", "-o", file, url];
  const arrived = () => megabytes(fs.existsSync(file) ? fs.statSync(file).size : 0);
  return withProgress(`${step}: fetching ${url}`, arrived, () => runLogged(step, "curl", args));
}

module.exports = { reachable, download };

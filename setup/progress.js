"use strict";
// What the setup tells the user. All of it goes to standard error, so that standard output stays the command's own.

const STEP_MS = 5000;

/**
 * Prints one line.
 * @param {string} line
 */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {number} bytes
 * @returns {string} such as `12 MB` (10^6 bytes)
 */
function megabytes(bytes) {
  return `${Math.round(bytes / 1e6)} MB`;
}

/**
 * Prints a line every five seconds until the work is done.
 * @template T
 * @param {string} label what is going on
 * @param {() => string} detail a short figure that moves, or an empty string
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withProgress(label, detail, work) {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  say(`${label} ...`);
  const timer = setInterval(() => {
    const figure = detail();
    say(`${label}: ${seconds()} s${figure && `, ${figure}`}`);
  }, STEP_MS);
  try {
    const result = await work();
    say(`${label}: done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}

module.exports = { say, megabytes, withProgress };

"use strict";
// The copy of the stack's settings that the CLI may write to, so that the clone stays as it is.

const { readIfPresent, writeWhole } = require("./files.js");

/** What the CLI adds by itself: how the secrets of this stack are encrypted. */
const encryptionKeys = ["secretsprovider", "encryptedkey", "encryptionsalt"];

/**
 * The text of the copy: the source's, with the copy's encryption settings when the source says nothing about them.
 * @param {string} source text of the settings in the clone
 * @param {string | undefined} copy text of the copy so far
 * @returns {string}
 */
function mergeSettings(source, copy) {
  const YAML = require("yaml"); // not at the top: this file is loaded before the packages are installed
  const document = YAML.parseDocument(source);
  const before = /** @type {Record<string, string>} */ ((copy && YAML.parse(copy)) || {});
  if (!encryptionKeys.some((key) => document.has(key))) {
    for (const key of encryptionKeys) if (before[key] !== undefined) document.set(key, before[key]);
  }
  return document.contents === null ? "" : document.toString({ lineWidth: 0 });
}

/**
 * Brings the copy up to date.
 * @param {string} source settings in the clone; a stack without settings has no such file
 * @param {string} copy
 */
function refreshSettings(source, copy) {
  const current = readIfPresent(copy);
  const wanted = mergeSettings(readIfPresent(source) ?? "", current);
  if (wanted !== current) writeWhole(copy, wanted, 0o600);
}

module.exports = { mergeSettings, refreshSettings };

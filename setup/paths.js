"use strict";
// Where things go. Free of side effects: the Pulumi program and the tests import this file too.

const os = require("node:os");
const path = require("node:path");

/** The Pulumi project's name, as in Pulumi.yaml. */
const PROJECT = "messaging";

/** The clone's top folder, absolute. */
const root = path.dirname(__dirname);

/** @typedef {"linux-amd64" | "linux-arm64" | "darwin-amd64" | "darwin-arm64"} Platform */

/** Every platform with pinned artefacts. @type {readonly Platform[]} */
const platforms = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"];

/**
 * An XDG base folder; the specification says that a relative one is to be ignored.
 * @param {string} variable
 * @param {string[]} fallback below the home folder
 */
function xdg(variable, fallback) {
  const value = process.env[variable];
  return value && path.isAbsolute(value) ? value : path.join(os.homedir(), ...fallback);
}

/**
 * Tools, build caches and artefacts; everything in it can be fetched or built again.
 * @returns {string} absolute path: $MESSAGING_CACHE, else `messaging` in the XDG cache folder
 */
function cacheDir() {
  const own = process.env.MESSAGING_CACHE;
  return own ? path.resolve(own) : path.join(xdg("XDG_CACHE_HOME", [".cache"]), PROJECT);
}

/**
 * Pulumi state, the generated passphrase and the copies of stack settings.
 * @returns {string} absolute path
 */
function stateDir() {
  return path.join(xdg("XDG_STATE_HOME", [".local", "state"]), PROJECT);
}

/**
 * Installs and data of the services when they run without root.
 * @returns {string} absolute path
 */
function dataDir() {
  return path.join(xdg("XDG_DATA_HOME", [".local", "share"]), PROJECT);
}

/**
 * This machine's platform.
 * @returns {Platform}
 * @throws {Error} on a machine for which nothing is pinned
 */
function platform() {
  const name = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const found = platforms.find((candidate) => candidate === name);
  if (!found) {
    throw new Error(`${process.platform} on ${process.arch} is not supported: use one of ${platforms.join(", ")}`);
  }
  return found;
}

/**
 * The folder of one artefact for one platform; it holds either the official archive under its own name or the binary.
 * @param {string} name such as `nats-server`
 * @param {string} version without a leading `v`
 * @param {string} target such as `linux-amd64`
 * @returns {string} absolute path
 */
function artifactDir(name, version, target) {
  return path.join(cacheDir(), "artifacts", name, version, target);
}

module.exports = { PROJECT, root, platforms, cacheDir, stateDir, dataDir, platform, artifactDir };

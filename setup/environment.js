"use strict";
// The environment in which the pulumi CLI runs.

const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { sha256File } = require("./files.js");
const { cacheDir, root, stateDir } = require("./paths.js");
const { versions } = require("./versions.js");

/** What the checks need from PyPI. */
const developmentRequirements = path.join(root, "offline", "requirements-tools.txt");

/** @returns {string} the folder with the pulumi CLI and its language host */
function pulumiBin() {
  return path.join(cacheDir(), "pulumi", versions.pulumi, "bin");
}

/**
 * The folder of the Node.js that runs the program and its policies: npm brings one on Linux, for the compile cache that starts both in three quarters of the time.
 * @returns {string[]} none where it is the user's own
 */
function nodeBin() {
  const bin = path.join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin");
  return fs.existsSync(bin) ? [bin] : [];
}

/** @returns {string} the pinned tools of the checks, from PyPI; another list of them has another folder */
function developmentBin() {
  return path.join(cacheDir(), "development", sha256File(developmentRequirements).slice(0, 12), "bin");
}

/** @returns {string} the project's own PULUMI_HOME, the only one that ever holds a stand-in plugin */
function ownPulumiHome() {
  return path.join(cacheDir(), "pulumi-home");
}

/**
 * Whether a plugin is installed in a PULUMI_HOME. The CLI keeps a `.partial` file beside a plugin until its
 * installation is complete.
 * @param {string} home
 * @param {string} name such as `command`
 * @returns {boolean}
 */
function hasPlugin(home, name) {
  const dir = path.join(home, "plugins", `resource-${name}-v${versions.plugins[name]}`);
  return fs.existsSync(path.join(dir, `pulumi-resource-${name}`)) && !fs.existsSync(`${dir}.partial`);
}

/** @returns {string} the PULUMI_HOME of a run: the user's when it has the plugins, else the project's own */
function pulumiHome() {
  const users = process.env.PULUMI_HOME;
  return users && Object.keys(versions.plugins).every((name) => hasPlugin(users, name)) ? users : ownPulumiHome();
}

/** @returns {string} the generated passphrase, used when the user has set none */
function passphraseFile() {
  return path.join(stateDir(), "passphrase");
}

/** @returns {boolean} whether the user brings a passphrase */
function hasOwnPassphrase() {
  return process.env.PULUMI_CONFIG_PASSPHRASE !== undefined || Boolean(process.env.PULUMI_CONFIG_PASSPHRASE_FILE);
}

/** @returns {string} where the state is when the user names no backend */
function ownBackendDir() {
  return path.join(stateDir(), "pulumi");
}

/** @returns {string} name of the stack: $PULUMI_STACK, else `dev` */
function defaultStack() {
  return process.env.PULUMI_STACK || "dev";
}

/**
 * The environment for the pulumi CLI: the user's, completed with this project's CLI, plugins, backend, stack and passphrase.
 * The caller has run the setup before (`node setup/run.js setup`).
 * @returns {NodeJS.ProcessEnv}
 */
function pulumiEnvironment() {
  const env = { ...process.env };
  env.PATH = [pulumiBin(), ...nodeBin(), env.PATH ?? ""].join(path.delimiter);
  env.PULUMI_HOME = pulumiHome();
  env.PULUMI_STACK = defaultStack();
  env.PULUMI_BACKEND_URL ||= pathToFileURL(ownBackendDir()).href;
  env.PULUMI_SKIP_UPDATE_CHECK = "true";
  // Of Node.js 22 and later: half of the start of the program and of the policy pack is compiling the same packages again.
  env.NODE_COMPILE_CACHE ||= path.join(cacheDir(), "node-compile-cache");
  if (!hasOwnPassphrase()) env.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile();
  return env;
}

/** @returns {NodeJS.ProcessEnv} the environment of the checks and tests: the caller's, with the pinned tools and plugins */
function developmentEnvironment() {
  return { ...process.env, PATH: [developmentBin(), pulumiBin(), process.env.PATH].join(path.delimiter), PULUMI_HOME: pulumiHome() };
}

module.exports = {
  developmentEnvironment,
  developmentRequirements,
  developmentBin,
  pulumiBin,
  nodeBin,
  ownPulumiHome,
  hasPlugin,
  pulumiHome,
  passphraseFile,
  hasOwnPassphrase,
  defaultStack,
  pulumiEnvironment,
};

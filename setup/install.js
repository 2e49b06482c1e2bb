"use strict";
// Usage: node setup/install.js packages|tools|development ORDER
// Fetches or builds what is missing of one kind, under the lock that the caller has taken. ORDER is JSON: what is needed,
// and the names of the things whose official source answers.

const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { developmentBin, developmentRequirements, nodeBin } = require("./environment.js");
const { analyzerFile, analyzerSource, missing, packagesDigest, packagesMarker, phaseOf } = require("./missing.js");
const { replaceFolder, writeWhole } = require("./files.js");
const { cacheDir, root } = require("./paths.js");
const { say, withProgress } = require("./progress.js");
const { SetupError, runLogged } = require("./processes.js");

/** Installs exactly the packages of package-lock.json; no package's script runs. */
async function installPackages() {
  const digest = packagesDigest();
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const fix = "check that the npm registry can be reached (npm config get registry), then run the same command again";
  await withProgress(
    "npm packages: npm ci",
    () => "",
    () => runLogged("npm", "npm", args, { env: npmEnvironment(), fix }),
  );
  dropForeignNode();
  writeWhole(packagesMarker, digest);
}

/** Removes the Node.js that npm brought where it does not run, such as on a Linux without glibc: npm's scripts would take it before the user's own. */
function dropForeignNode() {
  for (const bin of nodeBin()) {
    if (spawnSync(path.join(bin, "node"), ["--version"]).status === 0) continue;
    fs.rmSync(path.dirname(bin), { recursive: true });
    fs.rmSync(path.join(root, "node_modules", ".bin", "node"), { force: true });
  }
}

/**
 * Keeps npm's cache in the cache folder unless the user has one elsewhere. `npm run` itself sets the variable to npm's default.
 * @returns {NodeJS.ProcessEnv}
 */
function npmEnvironment() {
  const current = process.env.npm_config_cache;
  const usersOwn = current && current !== path.join(os.homedir(), ".npm");
  return { ...process.env, npm_config_cache: usersOwn ? current : path.join(cacheDir(), "npm") };
}

/** Installs the tools of the checks from PyPI, each file by its digest. */
async function installDevelopmentTools() {
  const args = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "--requirement",
    developmentRequirements,
  ];
  await replaceFolder(path.dirname(developmentBin()), (dir) =>
    withProgress(
      "development tools: pip install",
      () => "",
      () => runLogged("development", "python3", [...args, "--target", dir], { fix: "check that pip works (python3 -m pip --version)" }),
    ),
  );
}

/** @typedef {{ needs: import("./missing.js").Needs, official: string[] }} Order */

/**
 * @param {string} phase
 * @param {Order} order
 */
async function install(phase, { needs, official }) {
  // Asked again under the lock: another run may have made it in the meantime.
  for (const { kind, name, version } of missing(needs)) {
    if (phaseOf(kind) !== phase) continue;
    if (kind === "packages") await installPackages();
    else if (kind === "development") await installDevelopmentTools();
    else if (kind === "cli") await require("./cli.js").installCli(official.includes(name));
    else if (kind === "analyzer") writeWhole(analyzerFile(), fs.readFileSync(analyzerSource, "utf8"), 0o755);
    else if (kind === "plugin") await require("./plugin.js").installPlugin(name.replace("plugin ", ""), official.includes(name));
    else if (kind === "archive") await require("./archives.js").installArchive(name, version);
    else await require("./artifacts.js").installArtifact(name, version, official.includes(name));
  }
}

const [phase = "", order = ""] = process.argv.slice(2);
install(phase, /** @type {Order} */ (JSON.parse(order))).catch((/** @type {unknown} */ error) => {
  say(`setup: ${error instanceof SetupError ? error.message : String(error instanceof Error ? error.stack : error)}`);
  process.exitCode = 1;
});

"use strict";
// Provider plugins: the official ones, else the stand-ins built from offline/plugins.

const fs = require("node:fs");
const path = require("node:path");
const { ownPulumiHome, pulumiBin } = require("./environment.js");
const { replaceFolder, writeWhole } = require("./files.js");
const { standInDigest, standInRecord, standInSources } = require("./missing.js");
const { cacheDir } = require("./paths.js");
const { say, withProgress } = require("./progress.js");
const { SetupError, runLogged } = require("./processes.js");
const { versions } = require("./versions.js");

/**
 * Lets the CLI install a plugin, over a half-installed one if need be.
 * @param {string} name
 * @param {string} home PULUMI_HOME
 * @param {string[]} source further arguments
 */
function pluginInstall(name, home, source) {
  const args = ["plugin", "install", "resource", name, versions.plugins[name] ?? "", "--reinstall", ...source];
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return runLogged(`plugin-${name}`, path.join(pulumiBin(), "pulumi"), [...args, "--non-interactive"], { env });
}

/**
 * Builds a stand-in and installs it in the project's own PULUMI_HOME.
 * @param {string} name
 */
async function installStandIn(name) {
  const home = ownPulumiHome();
  const digest = standInDigest(name);
  await replaceFolder(path.join(cacheDir(), `stand-in-${name}`), async (dir) => {
    await runLogged(`plugin-${name}`, process.execPath, [path.join(standInSources, "build.mjs"), name, dir]);
    const archive = path.join(dir, `${name}.tgz`);
    await runLogged(`plugin-${name}`, "tar", ["-czf", archive, "-C", dir, `pulumi-resource-${name}`]);
    // From here until the digest is written, a killed run must not pass for an official plugin.
    writeWhole(standInRecord(name), "being installed");
    await pluginInstall(name, home, ["--file", archive]);
  });
  writeWhole(standInRecord(name), digest);
  const ignored = process.env.PULUMI_HOME ? `; PULUMI_HOME=${process.env.PULUMI_HOME} is not used` : "";
  say(`the plugin ${name} is the project's stand-in, in ${home}${ignored}`);
}

/**
 * Brings a plugin.
 * @param {string} name such as `command`
 * @param {boolean} official whether the official source answers
 * @throws {SetupError} when neither the official plugin nor the stand-in can be installed
 */
async function installPlugin(name, official) {
  const label = `plugin ${name} ${versions.plugins[name]}: installing the ${official ? "official one" : "stand-in"}`;
  await withProgress(
    label,
    () => "",
    async () => {
      if (!official) return installStandIn(name);
      const home = process.env.PULUMI_HOME || ownPulumiHome();
      try {
        await pluginInstall(name, home, []);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        say(`the official plugin could not be installed, taking the stand-in:\n${error.message}`);
        return installStandIn(name);
      }
      if (home === ownPulumiHome()) fs.rmSync(standInRecord(name), { force: true });
    },
  );
}

module.exports = { installPlugin };

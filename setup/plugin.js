"use strict";
// The provider plugin `command`: the official one, else the stand-in built from offline/plugins/command.

const fs = require("node:fs");
const path = require("node:path");
const { ownPulumiHome, pulumiBin } = require("./environment.js");
const { replaceFolder, writeWhole } = require("./files.js");
const { standInDigest, standInRecord, standInSources } = require("./missing.js");
const { cacheDir } = require("./paths.js");
const { say, withProgress } = require("./progress.js");
const { SetupError, runLogged } = require("./processes.js");
const { versions } = require("./versions.js");

const STEP = "plugin-command";

/**
 * Lets the CLI install the plugin, over a half-installed one if need be.
 * @param {string} home PULUMI_HOME
 * @param {string[]} source further arguments
 */
function pluginInstall(home, source) {
  const args = ["plugin", "install", "resource", "command", versions.plugins.command, "--reinstall", ...source];
  const env = { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
  return runLogged(STEP, path.join(pulumiBin(), "pulumi"), [...args, "--non-interactive"], { env });
}

/** Builds the stand-in and installs it in the project's own PULUMI_HOME. */
async function installStandIn() {
  const home = ownPulumiHome();
  const digest = standInDigest();
  await replaceFolder(path.join(cacheDir(), "stand-in-command"), async (dir) => {
    await runLogged(STEP, process.execPath, [path.join(standInSources, "build.mjs"), dir]);
    const archive = path.join(dir, "command.tgz");
    await runLogged(STEP, "tar", ["-czf", archive, "-C", dir, "pulumi-resource-command"]);
    // From here until the digest is written, a killed run must not pass for an official plugin.
    writeWhole(standInRecord(), "being installed");
    await pluginInstall(home, ["--file", archive]);
  });
  writeWhole(standInRecord(), digest);
  const ignored = process.env.PULUMI_HOME ? `; PULUMI_HOME=${process.env.PULUMI_HOME} is not used` : "";
  say(`the plugin command is the project's stand-in, in ${home}${ignored}`);
}

/**
 * Brings the plugin.
 * @param {boolean} official whether the official source answers
 * @throws {SetupError} when neither the official plugin nor the stand-in can be installed
 */
async function installPlugin(official) {
  const label = `plugin command ${versions.plugins.command}: installing the ${official ? "official one" : "stand-in"}`;
  await withProgress(
    label,
    () => "",
    async () => {
      if (!official) return installStandIn();
      const home = process.env.PULUMI_HOME || ownPulumiHome();
      try {
        await pluginInstall(home, []);
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        say(`the official plugin could not be installed, taking the stand-in:\n${error.message}`);
        return installStandIn();
      }
      if (home === ownPulumiHome()) fs.rmSync(standInRecord(), { force: true });
    },
  );
}

module.exports = { installPlugin };

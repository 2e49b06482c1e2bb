"use strict";
// The Pulumi CLI and its Node.js language host, in one folder of the cache.

const path = require("node:path");
const { pulumiBin } = require("./environment.js");
const { replaceFolder } = require("./files.js");
const { goBuild } = require("./go.js");
const { platform } = require("./paths.js");
const { checkPrerequisites } = require("./prerequisites.js");
const { say, withProgress } = require("./progress.js");
const { versions } = require("./versions.js");

/**
 * Installs the official CLI in the version of the SDK, which is the pinned one.
 * @param {string} dir gets a folder `bin`
 */
async function installOfficial(dir) {
  const { PulumiCommand } = require("@pulumi/pulumi/automation");
  const label = `pulumi: fetching the official CLI ${versions.pulumi}`;
  await withProgress(
    label,
    () => "",
    () => PulumiCommand.install({ root: dir }),
  );
}

/**
 * Builds the CLI and the language host from the pinned sources.
 * @param {string} dir gets a folder `bin`
 */
async function build(dir) {
  const version = `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${versions.pulumi}`;
  const common = { ldflags: `-s -w ${version}`, target: platform() };
  const sources = {
    pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
  };
  for (const [name, source] of Object.entries(sources)) {
    await goBuild(name, { ...common, package: source, output: path.join(dir, "bin", name) });
  }
}

/**
 * Brings the CLI: the official one when it can be fetched, else one that is built here.
 * @param {boolean} official whether the official source answers
 * @throws {import("./processes.js").SetupError} when neither works
 */
async function installCli(official) {
  const folder = path.dirname(pulumiBin());
  if (official) {
    try {
      await replaceFolder(folder, installOfficial);
      return;
    } catch (error) {
      say(`the official Pulumi CLI could not be installed (${error instanceof Error ? error.message : String(error)}): building it`);
      checkPrerequisites(["go"]);
    }
  }
  await replaceFolder(folder, build);
}

module.exports = { installCli };

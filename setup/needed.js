"use strict";
// Which artefacts for hosts a command needs: what the settings of its stack name, or all that are pinned.

const { parseArgs } = require("node:util");
const { takeStackOptions } = require("./arguments.js");
const { PROJECT, platform } = require("./paths.js");
const { versions } = require("./versions.js");

/** @typedef {{ name: string, version: string }} Artifact one pinned version */

/** Artefacts that any host may need. */
const always = ["gojq", "supervisor"];

/** Artefacts by the config key that asks for them. The key's `version` is the one of the first; the others come in their default version. */
const byComponent = {
  nats: ["nats-server", "nats"],
  pulsar: ["pulsar", "jre"],
  benthos: ["benthos", "duckdb"],
  monitoring: ["prometheus"],
};

/** Artefacts by the option of a component that asks for them, in the version of the component's first artefact. The user may choose it by a key of `source`. */
const byOption = [{ component: "pulsar", option: "tieredStorage", name: "pulsar-offloaders", key: "offloaders" }];

/**
 * The pinned versions of an artefact, the default first.
 * @param {string} name
 * @returns {string[]}
 */
function pinned(name) {
  return Object.keys((versions.artifacts[name] ?? versions.archives[name])?.versions ?? {});
}

/**
 * @param {string} name
 * @returns {Artifact[]} the artefact in its default version
 */
function byDefault(name) {
  return pinned(name)
    .slice(0, 1)
    .map((version) => ({ name, version }));
}

/** @returns {Artifact[]} every pinned version of every artefact that there is for this machine */
function allArtifacts() {
  return [...Object.keys(versions.artifacts), ...Object.keys(versions.archives)].flatMap((name) =>
    pinned(name).flatMap((version) => (isArchiveOfOthers(name, version) ? [] : [{ name, version }])),
  );
}

/**
 * @param {string} name
 * @param {string} version
 * @returns {boolean} whether it is an archive that is pinned for other platforms only
 */
function isArchiveOfOthers(name, version) {
  const builds = versions.archives[name]?.versions[version];
  return builds !== undefined && !builds["any"] && !builds[platform()];
}

/**
 * What the components of a stack install. A version that is not pinned is left to the program, which refuses it with the ones that are.
 * @param {string} settings text of the stack's settings
 * @returns {Artifact[]}
 */
function stackArtifacts(settings) {
  const YAML = require("yaml"); // not at the top: this file is loaded before the packages are installed
  const parsed = /** @type {{ config?: Record<string, unknown> } | null} */ (YAML.parseDocument(settings).toJS());
  const components = Object.entries(byComponent).flatMap(([component, [first = "", ...others]]) => {
    const value = structured(parsed?.config?.[`${PROJECT}:${component}`]);
    if (value === undefined || value === null) return [];
    const options = /** @type {Record<string, unknown>} */ (value);
    const wanted = options["version"] ?? pinned(first)[0];
    const ofVersion = [first, ...byOption.filter((by) => by.component === component && options[by.option]).map(({ name }) => name)];
    // Homebrew brings its own; the others are ours.
    if (options["source"] === "homebrew") return others.filter((name) => name !== "nats").flatMap(byDefault);
    // What the user chose is fetched by the host.
    const source = /** @type {Record<string, unknown> | undefined} */ (options["source"]);
    const chosen = source ? [first, ...byOption.filter(({ key }) => source[key]).map(({ name }) => name)] : [];
    const named = ofVersion
      .filter((name) => !chosen.includes(name))
      .flatMap((name) => pinned(name).flatMap((version) => (version === wanted ? [{ name, version }] : [])));
    return [...named, ...others.flatMap(byDefault)];
  });
  return [...always.flatMap(byDefault), ...components];
}

/**
 * What an upgrade installs: the first artefact of the component that the arguments name, and its options, in the version that they name.
 * @param {string[]} args such as `--rehearse pulsar 4.0.8`; without --rehearse nothing is installed
 * @returns {Artifact[]}
 */
function artifactsOfUpgrade(args) {
  const { values, positionals } = parseArgs({
    args: takeStackOptions(args).rest,
    options: { rehearse: { type: "boolean" }, host: { type: "string" } },
    strict: false,
  });
  const [component = "", version = ""] = positionals;
  const first = /** @type {Record<string, string[]>} */ (byComponent)[component]?.[0];
  if (!first || !values["rehearse"]) return [];
  const names = [first, ...byOption.filter((by) => by.component === component).map(({ name }) => name)];
  return names.filter((name) => pinned(name).includes(version)).map((name) => ({ name, version }));
}

/**
 * Objects may also be written as JSON in a string, which is how `pulumi config set` writes them.
 * @param {unknown} value
 * @returns {unknown}
 */
function structured(value) {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

module.exports = { allArtifacts, artifactsOfUpgrade, stackArtifacts };

"use strict";
// Programs that have to be there already. All missing ones are named at once.

const { spawnSync } = require("node:child_process");
const { SetupError } = require("./processes.js");

/**
 * @typedef {object} Prerequisite
 * @property {string} name
 * @property {[string, string]} command prints the version
 * @property {[number, number]} least lowest version, major and minor
 * @property {Record<"apt" | "dnf" | "brew", string>} packages
 * @property {string} [hint] where to get a version that the distribution lacks
 */

/** @type {Prerequisite[]} */
const always = [
  {
    name: "Node.js",
    command: [process.execPath, "--version"],
    least: [20, 19],
    packages: { apt: "nodejs npm", dnf: "nodejs", brew: "node" },
    hint: "or https://nodejs.org",
  },
  { name: "npm", command: ["npm", "--version"], least: [9, 0], packages: { apt: "npm", dnf: "npm", brew: "node" } },
  { name: "Python", command: ["python3", "--version"], least: [3, 8], packages: { apt: "python3", dnf: "python3", brew: "python" } },
  { name: "curl", command: ["curl", "--version"], least: [7, 52], packages: { apt: "curl", dnf: "curl", brew: "curl" } },
];

/** @type {Prerequisite} */
const go = {
  name: "Go",
  command: ["go", "version"],
  least: [1, 21],
  packages: { apt: "golang-go", dnf: "golang", brew: "go" },
  hint: "or https://go.dev/dl; it fetches the pinned toolchain by itself",
};

/** @type {Prerequisite} */
const maven = {
  name: "Maven",
  command: ["mvn", "--version"],
  least: [3, 6],
  packages: { apt: "maven", dnf: "maven", brew: "maven" },
};

/** What only some sources need. */
const sometimes = { go, maven };

/**
 * The version that a program reports.
 * @param {Prerequisite} prerequisite
 * @param {NodeJS.ProcessEnv} env
 * @returns {[number, number] | undefined} major and minor; undefined when it cannot be run
 */
function installedVersion({ command }, env) {
  const { stdout, error } = spawnSync(command[0], [command[1]], { encoding: "utf8", env });
  const match = error ? null : /(\d+)\.(\d+)/.exec(stdout);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

/**
 * What has to be there already, and what is.
 * @param {(keyof typeof sometimes)[]} also what is needed besides
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ name: string, least: string, found: string | undefined, good: boolean, ways: string }[]} `ways` to install it
 */
function prerequisites(also, env) {
  return [...always, ...also.map((name) => sometimes[name])].map((prerequisite) => {
    const { name, least, packages, hint } = prerequisite;
    const found = installedVersion(prerequisite, env);
    const ways = [`apt install ${packages.apt}`, `dnf install ${packages.dnf}`, `brew install ${packages.brew}`];
    if (hint) ways.push(hint);
    return {
      name,
      least: least.join("."),
      found: found?.join("."),
      good: found !== undefined && (found[0] > least[0] || (found[0] === least[0] && found[1] >= least[1])),
      ways: ways.join(" | "),
    };
  });
}

/**
 * Checks that everything is there that the setup cannot bring.
 * @param {(keyof typeof sometimes)[]} also what this setup needs besides
 * @param {NodeJS.ProcessEnv} [env]
 * @throws {SetupError} that names every missing or too old program and the packages that bring it
 */
function checkPrerequisites(also, env = process.env) {
  const problems = prerequisites(also, env)
    .filter(({ good }) => !good)
    .map(({ name, least, found, ways }) => `  ${name} >= ${least} (${found ? `found ${found}` : "not found"}): ${ways}`);
  if (problems.length > 0) throw new SetupError(["this is needed first:", ...problems].join("\n"));
}

module.exports = { checkPrerequisites, prerequisites };

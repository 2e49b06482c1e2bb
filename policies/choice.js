"use strict";
// Which set of levels and thresholds a stack takes, and what it changes in it: `messaging:policies` in the stack's settings.

/** @typedef {import("@pulumi/policy").PolicyPackConfig} Settings */
/** @typedef {import("@pulumi/policy").Policies} Policies */

/** The ready sets by name. @type {Readonly<Record<string, Settings>>} */
const SETS = {
  dev: /** @type {Settings} */ (require("./sets/dev.json")),
  production: /** @type {Settings} */ (require("./sets/production.json")),
};

/**
 * The level that a policy itself names; the SDK takes settings without a level for advisory.
 * @param {Policies[number]} policy
 */
function ownLevel({ enforcementLevel }) {
  return { enforcementLevel: enforcementLevel ?? "mandatory" };
}

/**
 * The settings of one policy as an object.
 * @param {Settings[string] | undefined} settings a level alone, or an object
 * @returns {Record<string, unknown>}
 */
function spelledOut(settings) {
  return typeof settings === "string" ? { enforcementLevel: settings } : { ...settings };
}

/**
 * The settings of the pack for a stack.
 * @param {string | undefined} stackConfig the stack's config as the engine hands it over in PULUMI_CONFIG: JSON of a string for each key
 * @param {Policies} policies of the pack
 * @returns {Settings}
 * @throws {Error} when the config names a set or a policy that does not exist
 */
function chosenSettings(stackConfig, policies) {
  const names = policies.map(({ name }) => name);
  const config = /** @type {Record<string, string>} */ (JSON.parse(stackConfig ?? "{}"));
  const value = config["messaging:policies"] ?? "dev";
  /** @type {unknown} */
  const parsed = value.trimStart().startsWith("{") ? JSON.parse(value) : { set: value };
  const { set = "dev", ...changes } = /** @type {{ set?: string } & Record<string, Settings[string]>} */ (parsed);
  const base = SETS[set];
  if (base === undefined) throw new Error(`messaging:policies: there is no set "${set}"; allowed: ${Object.keys(SETS).join(", ")}`);
  const unknown = Object.keys(changes).filter((name) => !names.includes(name) && name !== "all");
  if (unknown.length > 0) {
    throw new Error(`messaging:policies: there is no policy ${unknown.join(", ")}; allowed: set, all, ${names.join(", ")}`);
  }
  const settings = policies.map((policy) => [
    policy.name,
    { ...ownLevel(policy), ...spelledOut(base[policy.name]), ...spelledOut(changes["all"]), ...spelledOut(changes[policy.name]) },
  ]);
  return /** @type {Settings} */ (Object.fromEntries(settings));
}

module.exports = { chosenSettings };

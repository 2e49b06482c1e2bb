"use strict";
// Disk: what streams, ledgers and offloaded ledgers may grow to, on each file system.

const { figure, hosts, namespacesOf } = require("./stack.js");
const { MEBIBYTE, formatBytes } = require("./units.js");

/**
 * Something that grows on a host's disk.
 * @typedef {object} Growth
 * @property {string} what
 * @property {string} path
 * @property {number} bytes the most it grows to; Infinity where nothing limits it
 */

/**
 * What a namespace may hold. Pulsar counts retention and quota for each topic: what is kept of acknowledged messages, what waits, and once more what is
 * offloaded, because a ledger is in both places for a while.
 * @param {import("./stack.js").Namespace} namespace
 * @param {Record<string, any>} pulsar outputs of the Pulsar that holds it
 * @returns {Growth[]}
 */
function ofNamespace({ name, retention, backlogQuota, topics = 1 }, pulsar) {
  const mebibytes = retention?.mebibytes ?? 0;
  const kept = mebibytes < 0 ? Infinity : mebibytes * MEBIBYTE;
  const waiting = Math.max(0, backlogQuota?.size?.limitBytes ?? 0);
  const local = { what: `namespace ${name}`, path: /** @type {string} */ (pulsar["dataDirectory"]), bytes: (kept + waiting) * topics };
  const offloaded = /** @type {string | undefined} */ (pulsar["offloadDirectory"]);
  return offloaded === undefined ? [local] : [local, { what: `namespace ${name}, offloaded`, path: offloaded, bytes: kept * topics }];
}

/**
 * Everything that grows on a host.
 * @param {import("./stack.js").Host} host
 * @returns {Growth[]}
 */
function growth({ components }) {
  const pulsar = components.find(({ type }) => type === "PulsarStandalone");
  const namespaces = pulsar === undefined ? [] : namespacesOf(components).flatMap(({ namespace }) => ofNamespace(namespace, pulsar.props));
  const stores = components.flatMap((component) => {
    const bytes = figure(component.props, "maxFileStoreBytes");
    return bytes === undefined ? [] : [{ what: "JetStream's files", path: /** @type {string} */ (component.props["storeDir"]), bytes }];
  });
  return [...stores, ...namespaces];
}

/**
 * Mount point of the file system that holds a path: the longest one above it.
 * @param {{ mount: string, sizeBytes: number }[]} fileSystems
 * @param {string} path
 */
function holding(fileSystems, path) {
  return fileSystems
    .filter(({ mount }) => mount === "/" || path === mount || path.startsWith(`${mount}/`))
    .map(({ mount }) => mount)
    .sort((one, other) => other.length - one.length)[0];
}

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const diskBudget = {
  name: "disk-budget",
  description: "What streams, namespaces and offloaded ledgers may grow to fits the host's file systems with head-room.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      headroom: { type: "number", minimum: 0, maximum: 0.9, default: 0.2 },
    },
  },
  validateStack(args, reportViolation) {
    const { headroom } = /** @type {{ headroom: number }} */ (args.getConfig());
    for (const host of hosts(args.resources)) {
      const fileSystems = /** @type {{ mount: string, sizeBytes: number }[]} */ (host.props["fileSystems"] ?? []);
      const all = growth(host);
      for (const { what } of all.filter(({ bytes }) => bytes === Infinity)) {
        reportViolation(`Nothing limits the size of ${what} on host ${host.name}. Set retention.size beside retention.time.`, host.urn);
      }
      for (const fileSystem of fileSystems) {
        const mine = all.filter(({ path, bytes }) => bytes !== Infinity && holding(fileSystems, path) === fileSystem.mount);
        const planned = mine.reduce((sum, { bytes }) => sum + bytes, 0);
        const allowed = Math.floor(fileSystem.sizeBytes * (1 - headroom));
        if (planned <= allowed) continue;
        const rows = mine.sort((one, other) => other.bytes - one.bytes).map(({ what, bytes }) => `  ${what}: ${formatBytes(bytes)}`);
        reportViolation(
          `${fileSystem.mount} of host ${host.name} has ${formatBytes(fileSystem.sizeBytes)}, of which ${Math.round(headroom * 100)} % stay free; planned are ` +
            `${formatBytes(planned)}:\n${rows.join("\n")}\n  Lower them by ${formatBytes(planned - allowed)} together.`,
          host.urn,
        );
      }
    }
  },
};

module.exports = { diskBudget, growth };

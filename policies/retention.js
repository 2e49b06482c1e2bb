"use strict";
// Retention: everything that stores messages gives them up again, and not too early.

const { componentsOf, figure, namespacesOf } = require("./stack.js");
const { MEBIBYTE, formatBytes, formatDuration } = require("./units.js");

const DAY = 86_400_000;
const MINUTE = 60_000;

/**
 * What stores messages, with what bounds it; undefined where nothing does.
 * @typedef {object} Store
 * @property {string} what as the stack's settings name it
 * @property {string} setting its config path
 * @property {string} urn
 * @property {number | undefined} ageMilliseconds
 * @property {number | undefined} bytes
 */

/**
 * A limit, where a negative number and an absent one stand for none.
 * @param {unknown} value
 * @param {number} [factor]
 */
function limit(value, factor = 1) {
  return typeof value === "number" && value >= 0 ? value * factor : undefined;
}

/**
 * The declared JetStream streams.
 * @param {import("@pulumi/policy").PolicyResource[]} resources
 */
function streams(resources) {
  return componentsOf(resources, "NatsJetStream").flatMap(({ urn, props }) =>
    Object.entries(/** @type {Record<string, Record<string, any>>} */ (props["streams"] ?? {})).map(([name, stream]) => ({
      name,
      urn,
      stream,
    })),
  );
}

/**
 * @param {import("@pulumi/policy").PolicyResource[]} resources
 * @returns {Store[]}
 */
function stores(resources) {
  const ofStreams = streams(resources).map(({ name, urn, stream }) => ({
    what: `Stream ${name}`,
    setting: `messaging:nats.streams.${name}.maxAge`,
    urn,
    ageMilliseconds: limit(stream["maxAgeMilliseconds"]),
    bytes: limit(stream["maxBytes"]),
  }));
  const ofNamespaces = namespacesOf(componentsOf(resources, "Namespace")).map(({ urn, namespace: { name, retention } }) => ({
    what: `Namespace ${name}`,
    setting: `messaging:namespaces.${name}.retention`,
    urn,
    ageMilliseconds: limit(retention?.minutes, MINUTE),
    bytes: limit(retention?.mebibytes, MEBIBYTE),
  }));
  return [...ofStreams, ...ofNamespaces];
}

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const boundedRetention = {
  name: "bounded-retention",
  description: "Every stream and namespace keeps messages up to an age or a size, within the shortest and the longest age allowed.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      minAgeSeconds: { type: "number", minimum: 0, default: 0 },
      maxAgeDays: { type: "number", exclusiveMinimum: 0, default: 3650 },
    },
  },
  validateStack(args, reportViolation) {
    const { minAgeSeconds, maxAgeDays } = /** @type {{ minAgeSeconds: number, maxAgeDays: number }} */ (args.getConfig());
    for (const { what, setting, urn, ageMilliseconds: age, bytes } of stores(args.resources)) {
      if (age === undefined && bytes === undefined) {
        reportViolation(`${what} keeps messages for ever, or as the server likes. Set ${setting}, an age, a size or both.`, urn);
      } else if (age !== undefined && age > maxAgeDays * DAY) {
        reportViolation(`${what} keeps messages for ${formatDuration(age)}. Set ${setting} to at most ${maxAgeDays}d.`, urn);
      } else if (age !== undefined && age > 0 && age < minAgeSeconds * 1000) {
        reportViolation(`${what} keeps messages for ${formatDuration(age)} only. Set ${setting} to at least ${minAgeSeconds}s.`, urn);
      }
    }
  },
};

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const retentionExceedsBacklog = {
  name: "retention-exceeds-backlog",
  description: "A namespace keeps more than its backlog quota lets wait, in bytes and in time; Pulsar refuses it otherwise.",
  enforcementLevel: "mandatory",
  validateStack({ resources }, reportViolation) {
    for (const { urn, namespace } of namespacesOf(componentsOf(resources, "Namespace"))) {
      const { name, retention, backlogQuota } = namespace;
      const path = `messaging:namespaces.${name}`;
      const bytes = limit(retention?.mebibytes, MEBIBYTE);
      const quota = limit(backlogQuota?.size?.limitBytes);
      // Zero is no retention at all, which Pulsar does not compare.
      if (bytes && quota !== undefined && quota >= bytes) {
        reportViolation(
          `Namespace ${name} lets ${formatBytes(quota)} wait and keeps ${formatBytes(bytes)}. Set ${path}.retention.size above ${path}.backlogQuota.size.limit.`,
          urn,
        );
      }
      const age = limit(retention?.minutes, MINUTE);
      const wait = limit(backlogQuota?.time?.limitSeconds, 1000);
      if (age && wait !== undefined && wait >= age) {
        reportViolation(
          `Namespace ${name} lets messages wait for ${formatDuration(wait)} and keeps them for ${formatDuration(age)}. ` +
            `Set ${path}.retention.time above ${path}.backlogQuota.time.limit.`,
          urn,
        );
      }
    }
  },
};

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const memoryStreams = {
  name: "memory-streams",
  description: "The memory streams of a server fit JetStream's memory store, and the store fits the process.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      shareOfProcess: { type: "number", exclusiveMinimum: 0, maximum: 1, default: 0.85 },
    },
  },
  validateStack(args, reportViolation) {
    const { shareOfProcess } = /** @type {{ shareOfProcess: number }} */ (args.getConfig());
    for (const { name, urn, props } of componentsOf(args.resources, "NatsJetStream")) {
      const store = figure(props, "maxMemoryStoreBytes") ?? 0;
      const inMemory = Object.values(/** @type {Record<string, Record<string, any>>} */ (props["streams"] ?? {})).filter(
        ({ storage }) => storage === "memory",
      );
      const reserved = inMemory.reduce((sum, stream) => sum + (limit(stream["maxBytes"]) ?? Infinity), 0);
      if (reserved > store) {
        reportViolation(
          `The memory streams of ${name} may hold ${reserved === Infinity ? "any amount" : formatBytes(reserved)}, its memory store ${formatBytes(store)}. ` +
            "Lower their maxBytes, or raise messaging:nats.jetstream.maxMemoryStore.",
          urn,
        );
      }
      const process = figure(props, "memoryBytes");
      if (process !== undefined && store > process * shareOfProcess) {
        reportViolation(
          `The memory store of ${name} is ${formatBytes(store)}, more than ${Math.round(shareOfProcess * 100)} % of its process (${formatBytes(process)}). ` +
            "Lower messaging:nats.jetstream.maxMemoryStore, or raise messaging:nats.memory.",
          urn,
        );
      }
    }
  },
};

module.exports = { boundedRetention, retentionExceedsBacklog, memoryStreams, streams };

"use strict";
// Durability: what is acknowledged is on disk.

const { componentsOf } = require("./stack.js");
const { streams } = require("./retention.js");

/** Presets that stand for messages nobody may lose. */
const DURABLE = ["workQueue", "eventLog"];

/** How a server that does not sync says so in the settings. */
const SERVERS = [
  { type: "NatsJetStream", setting: "messaging:nats.durability" },
  { type: "PulsarStandalone", setting: "messaging:pulsar.durability" },
];

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const durableStorage = {
  name: "durable-storage",
  description: "Work queues and event logs are on disk, and a server syncs before it acknowledges, unless an exception says otherwise.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      // Such as `stream/scratch`, `nats` or `pulsar`.
      except: { type: "array", items: { type: "string" }, default: [] },
    },
  },
  validateStack(args, reportViolation) {
    const { except } = /** @type {{ except: string[] }} */ (args.getConfig());
    const on = (/** @type {string} */ name) =>
      `, or add "${name}" to except of durable-storage in messaging:policies if that is on purpose.`;
    for (const { name, urn, stream } of streams(args.resources)) {
      const durable = stream["retention"] === "workqueue" || DURABLE.includes(stream["preset"]);
      if (!durable || stream["storage"] === "file" || except.includes(`stream/${name}`)) continue;
      reportViolation(
        `Stream ${name} is a ${stream["retention"] === "workqueue" ? "work queue" : "log of events"} in memory: a restart of the server loses it. ` +
          `Set messaging:nats.streams.${name}.storage to file${on(`stream/${name}`)}`,
        urn,
      );
    }
    for (const { type, setting } of SERVERS) {
      for (const { name, urn, props } of componentsOf(args.resources, type)) {
        const server = type === "NatsJetStream" ? "nats" : "pulsar";
        if (props["durability"] === undefined || props["durability"] === "fsync" || except.includes(server)) continue;
        reportViolation(
          `${name} acknowledges messages before they are on disk (${setting}: ${props["durability"]}): a power failure loses them. Set ${setting} to fsync${on(server)}`,
          urn,
        );
      }
    }
  },
};

module.exports = { durableStorage };

"use strict";
// Memory: one budget for all components of a host, and a figure for each of them.

const { figure, hosts } = require("./stack.js");
const { MEBIBYTE, formatBytes, mebibytes } = require("./units.js");

/** @typedef {import("./stack.js").Component} Component */

/**
 * Settings that change a part of a component's memory, and by how much the plan changes for each byte of them: G1's own structures are 5 % of the heap.
 * @type {Readonly<Record<string, Readonly<Record<string, { key: string, factor: number }>>>>}
 */
const SETTINGS = {
  PulsarStandalone: {
    heap: { key: "messaging:pulsar.memory.maxHeap", factor: 1.05 },
    direct: { key: "messaging:pulsar.memory.maxDirect", factor: 1 },
  },
  NatsJetStream: { process: { key: "messaging:nats.memory", factor: 1 } },
  BenthosPipelines: { process: { key: "messaging:benthos.memory", factor: 1 } },
  Monitoring: { process: { key: "messaging:monitoring.memory", factor: 1 } },
};

/**
 * The parts of a component's figure; the whole where it names none.
 * @param {Component} component
 * @returns {Record<string, number>} bytes by part
 */
function parts({ props }) {
  return /** @type {Record<string, number> | undefined} */ (props["memory"]) ?? { process: figure(props, "memoryBytes") ?? 0 };
}

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const ramFigures = {
  name: "ram-figures",
  description: "Every component is planned with an amount of memory, and a container's limit is that amount.",
  enforcementLevel: "mandatory",
  validateStack({ resources }, reportViolation) {
    for (const component of hosts(resources).flatMap(({ components }) => components)) {
      const planned = figure(component.props, "memoryBytes");
      if (planned === undefined) {
        reportViolation(
          `${component.name} (${component.type}) is in no memory plan. Let the component register memoryBytes, the most it may use, as a plain number.`,
          component.urn,
        );
        continue;
      }
      const sum = Object.values(parts(component)).reduce((total, bytes) => total + bytes, 0);
      if (sum !== planned) {
        reportViolation(
          `${component.name}: the parts of its memory are ${formatBytes(sum)} together, its memoryBytes is ${formatBytes(planned)}. They must be the same.`,
          component.urn,
        );
      }
      for (const { name, urn, props } of component.containers) {
        const limit = figure(props, "memory");
        if (limit === undefined || limit === 0) {
          reportViolation(
            `Container ${name} has no memory limit. Set memory to ${mebibytes(planned)}, what ${component.name} is planned with.`,
            urn,
          );
        }
      }
      const limits = component.containers.map(({ props }) => figure(props, "memory") ?? 0);
      const limited = limits.reduce((sum, limit) => sum + limit, 0);
      // Each is in whole MiB.
      if (limits.length === 0 || limits.includes(0) || Math.abs(limited * MEBIBYTE - planned) < MEBIBYTE * limits.length) continue;
      const [first] = component.containers;
      const who = limits.length === 1 ? `Container ${first?.name} is` : `The containers of ${component.name} are together`;
      reportViolation(
        `${who} limited to ${limited} MiB, but ${component.name} is planned with ${mebibytes(planned)} MiB. Cap and plan must be the same.`,
        first?.urn,
      );
    }
  },
};

/**
 * The plan of a host, the largest part first.
 * @param {Component[]} components
 * @param {number} budget bytes
 */
function table(components, budget) {
  const rows = components
    .flatMap((component) => Object.entries(parts(component)).map(([part, bytes]) => ({ component: component.name, part, bytes })))
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes)
    .map(({ component, part, bytes }) => [component, part, String(mebibytes(bytes)), `${((100 * bytes) / budget).toFixed(1)} %`]);
  const all = [["component", "part", "MiB", "of the budget"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "),
    )
    .map((row) => `  ${row.trimEnd()}`)
    .join("\n");
}

/**
 * The one setting to lower so that a plan gets smaller by an excess: the largest part that has one.
 * @param {Component[]} components
 * @param {number} excess bytes
 */
function lowering(components, excess) {
  const [best] = components
    .flatMap((component) =>
      Object.entries(parts(component)).flatMap(([part, bytes]) => {
        const setting = SETTINGS[component.type]?.[part];
        return setting === undefined ? [] : [{ ...setting, bytes: bytes }];
      }),
    )
    .sort((one, other) => other.bytes - one.bytes);
  return best === undefined || best.bytes <= excess
    ? "take a component off this host"
    : `lower ${best.key} by ${mebibytes(excess / best.factor)}MiB`;
}

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const ramBudget = {
  name: "ram-budget",
  description:
    "All components of a host together fit messaging:ramBudget, and the host's memory with a reserve for the system and the models beside it.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      shareOfBudget: { type: "number", minimum: 0.1, maximum: 1, default: 1 },
    },
  },
  validateStack(args, reportViolation) {
    const { shareOfBudget } = /** @type {{ shareOfBudget: number }} */ (args.getConfig());
    for (const { name, urn, props, components } of hosts(args.resources)) {
      const planned = components.reduce((sum, component) => sum + (figure(component.props, "memoryBytes") ?? 0), 0);
      const reserve = figure(props, "ramReserveBytes") ?? 0;
      const budget = figure(props, "ramBudgetBytes");
      const memory = figure(props, "memoryOfHostBytes");
      if (budget === undefined) {
        reportViolation(`Host ${name} has no memory budget. Let it register ramBudgetBytes, what all its components may use.`, urn);
      } else if (planned > budget * shareOfBudget) {
        const excess = planned - budget * shareOfBudget;
        const room = memory === undefined || planned / shareOfBudget + reserve <= memory;
        const raising = room ? `raise messaging:ramBudget to ${formatBytes(planned / shareOfBudget)}, or ` : "";
        reportViolation(
          `Host ${name} is planned with ${mebibytes(planned)} MiB of ${mebibytes(budget * shareOfBudget)} MiB:\n${table(components, budget)}\n` +
            `  Smallest change that fits: ${raising}${lowering(components, excess)}.`,
          urn,
        );
      }
      if (memory !== undefined && planned + reserve > memory) {
        reportViolation(
          `Host ${name} has ${mebibytes(memory)} MiB, its components are planned with ${mebibytes(planned)} MiB and messaging:ramReserve keeps ` +
            `${mebibytes(reserve)} MiB for the system and the models beside them:\n${table(components, memory)}\n` +
            `  Smallest change that fits: ${lowering(components, planned + reserve - memory)}, or lower messaging:ramReserve.`,
          urn,
        );
      }
    }
  },
};

module.exports = { ramFigures, ramBudget, parts };

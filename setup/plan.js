"use strict";
// What a setup is going to cost, told before it starts.

/**
 * @typedef {object} Cost
 * @property {number} download MB
 * @property {number} disk MB, build caches included
 * @property {number} minutes on two cores and a fast line
 */

/** @type {Record<string, { official?: Cost, other: Cost }>} */
const costs = {
  "npm packages": { other: { download: 135, disk: 440, minutes: 1 } },
  pulumi: { official: { download: 110, disk: 380, minutes: 1 }, other: { download: 260, disk: 2400, minutes: 6 } },
  "plugin command": { official: { download: 15, disk: 50, minutes: 1 }, other: { download: 0, disk: 5, minutes: 1 } },
  "plugin docker": { official: { download: 20, disk: 70, minutes: 1 }, other: { download: 0, disk: 5, minutes: 1 } },
  "plugin random": { official: { download: 15, disk: 50, minutes: 1 }, other: { download: 0, disk: 5, minutes: 1 } },
  "nats-server": { official: { download: 6, disk: 6, minutes: 1 }, other: { download: 45, disk: 250, minutes: 1 } },
  nats: { official: { download: 9, disk: 9, minutes: 1 }, other: { download: 65, disk: 500, minutes: 2 } },
  "development tools": { other: { download: 25, disk: 75, minutes: 1 } },
  pulsar: { other: { download: 245, disk: 250, minutes: 1 } },
  "pulsar-offloaders": { other: { download: 270, disk: 270, minutes: 1 } },
  jre: { official: { download: 60, disk: 60, minutes: 1 }, other: { download: 35, disk: 35, minutes: 1 } },
  benthos: { other: { download: 180, disk: 1400, minutes: 4 } },
  prometheus: { other: { download: 33, disk: 20, minutes: 1 } },
  gojq: { official: { download: 2, disk: 5, minutes: 1 }, other: { download: 3, disk: 50, minutes: 1 } },
};

/**
 * @param {import("./missing.js").Item[]} items
 * @param {(item: import("./missing.js").Item) => boolean} isOfficial
 * @returns {string} a table with a line for each item and a sum
 */
function planTable(items, isOfficial) {
  const rows = [["missing", "comes from", "download MB", "disk MB", "minutes"]];
  const sum = { download: 0, disk: 0, minutes: 0 };
  for (const item of items) {
    const known = costs[item.name];
    const cost = (isOfficial(item) && known?.official) || known?.other || { download: 0, disk: 0, minutes: 0 };
    sum.download += cost.download;
    sum.disk += cost.disk;
    sum.minutes += cost.minutes;
    const figures = [cost.download, cost.disk, cost.minutes].map((figure) => `~${figure}`);
    rows.push([`${item.name} ${item.version}`, origin(item, isOfficial(item)), ...figures]);
  }
  rows.push(["together", "", ...Object.values(sum).map((figure) => `~${figure}`)]);
  /** @type {(column: number) => number} */
  const width = (column) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(width(i)) : cell.padStart(width(i)))).join("  ")).join("\n");
}

/**
 * @param {import("./missing.js").Item} item
 * @param {boolean} official
 */
function origin(item, official) {
  if (item.kind === "packages") return "npm registry";
  if (item.kind === "analyzer") return "offline/pulumi-analyzer-policy.js";
  if (item.kind === "development") return "PyPI";
  if (official && item.url) return new URL(item.url).host;
  if (item.registry) return item.registry;
  return item.kind === "plugin" ? `offline/${item.name.replace("plugin ", "plugins/")} (stand-in)` : "built with Go from its pinned source";
}

module.exports = { planTable };

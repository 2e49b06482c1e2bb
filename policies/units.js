"use strict";
// Amounts as people write them in the stack's settings.

const MEBIBYTE = 2 ** 20;
const SIZES = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: MEBIBYTE };
const TIMES = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

/**
 * Bytes rounded up to whole MiB, so that what a message asks for is enough.
 * @param {number} bytes
 */
function mebibytes(bytes) {
  return Math.ceil(bytes / MEBIBYTE);
}

/**
 * A size with its unit, in the largest one that shows it exactly.
 * @param {number} bytes
 */
function formatBytes(bytes) {
  const rounded = mebibytes(bytes) * MEBIBYTE;
  const [unit, factor] = Object.entries(SIZES).find(([, candidate]) => rounded >= candidate && rounded % candidate === 0) ?? [
    "MiB",
    MEBIBYTE,
  ];
  return `${rounded / factor}${unit}`;
}

/**
 * A duration with its unit, in the largest one that shows it exactly.
 * @param {number} milliseconds
 */
function formatDuration(milliseconds) {
  const [unit, factor] = Object.entries(TIMES).find(([, candidate]) => milliseconds >= candidate && milliseconds % candidate === 0) ?? [
    "ms",
    1,
  ];
  return `${milliseconds / factor}${unit}`;
}

module.exports = { MEBIBYTE, mebibytes, formatBytes, formatDuration };

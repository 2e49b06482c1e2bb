import { z } from "zod";

/** Bytes per unit: decimal units are powers of ten, binary units powers of two (IEC 80000-13). */
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const MILLISECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 86400e3,
};

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  const amount = factor === undefined ? NaN : Number(digits) * factor;
  return Number.isSafeInteger(amount) ? amount : undefined;
}

/** A unit-carrying string that is at least `minimum` and at most `maximum`, both given in config notation such as `64MB`, or one of `words`. */
function quantitySchema(
  units: Readonly<Record<string, number>>,
  noun: string,
  minimum: string,
  maximum: string,
  words: Readonly<Record<string, number>>,
): z.ZodType<number, string> {
  const orWords = Object.keys(words).map((word) => `, or ${word}`);
  const allowed = `allowed: a ${noun} from ${minimum} to ${maximum} with a unit (${Object.keys(units).join(", ")})${orWords.join("")}`;
  const [low, high] = [minimum, maximum].map((bound) => quantity(bound, units) ?? NaN) as [number, number];
  return z
    .string(allowed)
    .meta({ allowed: allowed.replace(/^allowed: a \w+ /, "").replace(/ with a unit \(.*?\)/, "") })
    .transform((text, context) => {
      const amount = quantity(text, units);
      if (amount !== undefined && amount >= low && amount <= high) return amount;
      const meaning = Object.entries(words).find(([word]) => word === text);
      if (meaning !== undefined) return meaning[1];
      context.addIssue({ code: "custom", message: allowed });
      return z.NEVER;
    });
}

/**
 * A size such as `500MB` (10^6 bytes) or `512MiB` (2^20 bytes), parsed to a whole number of bytes.
 * @param minimum smallest size allowed, in the same notation
 * @param maximum largest size allowed, in the same notation
 * @param words what may stand instead, such as `unlimited`, and the number it means
 */
export function size(minimum: string, maximum: string, words: Readonly<Record<string, number>> = {}): z.ZodType<number, string> {
  return quantitySchema(BYTES_PER_UNIT, "size", minimum, maximum, words);
}

/**
 * A duration such as `10s`, `5m` or `7d`, parsed to whole milliseconds.
 * @param minimum shortest duration allowed, in the same notation
 * @param maximum longest duration allowed, in the same notation
 * @param words as for `size`
 */
export function duration(minimum: string, maximum: string, words: Readonly<Record<string, number>> = {}): z.ZodType<number, string> {
  return quantitySchema(MILLISECONDS_PER_UNIT, "duration", minimum, maximum, words);
}

/**
 * Bytes as people write them, for messages and tables: the unit of MB, MiB or more that shows them exactly (`500MB`, `4GiB`), else rounded up in the
 * largest of B, kB and MB that fits.
 * @param bytes a whole number of bytes
 */
export function formatBytes(bytes: number): string {
  const exact = Object.entries(BYTES_PER_UNIT)
    .filter(([, factor]) => factor >= 1e6 && bytes >= factor && bytes % factor === 0)
    .sort(([, a], [, b]) => b - a)[0];
  if (exact !== undefined) return `${bytes / exact[1]}${exact[0]}`;
  const [factor, unit] = bytes < 1e3 ? [1, "B"] : bytes < 1e6 ? [1e3, "kB"] : [1e6, "MB"];
  return `${Math.ceil(bytes / factor)}${unit}`;
}

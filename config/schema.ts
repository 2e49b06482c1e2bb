import { z } from "zod";

/**
 * An object that refuses unknown keys and names the allowed ones.
 * @param shape the schema of each key
 */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, `allowed: the keys ${Object.keys(shape).join(", ")}`);
}

/** A whole number from `minimum` to `maximum` of what `noun` says. */
export function integer(noun: string, minimum: number, maximum: number) {
  const allowed = `allowed: ${noun}, a whole number from ${minimum} to ${maximum}`;
  return z.int(allowed).min(minimum, allowed).max(maximum, allowed);
}

/** A port on 127.0.0.1. */
export const port = integer("an unprivileged port", 1024, 65535);

/** How many versions of a product stay installed, the running one included: going back to a kept one needs no download. */
export const keepVersions = integer("installed versions", 1, 100)
  .default(2)
  .describe("versions that stay installed, the running one included");

/**
 * The `when` of a zod rule over several keys: it runs as soon as those keys are sound themselves, although others are wrong, so that
 * every problem of a config is listed at once (zod skips such rules by default).
 * @param keys the keys of the object that the rule reads
 */
export function whenSound(...keys: readonly string[]): (payload: z.core.ParsePayload) => boolean {
  return ({ value, issues }) =>
    typeof value === "object" &&
    value !== null &&
    issues.every(({ code, path }) =>
      path === undefined || path.length === 0 ? code === "unrecognized_keys" : !keys.includes(String(path[0])),
    );
}

/** Where a program comes from: our own download, verified by its digest, or Homebrew. */
export const programSource = z
  .enum(["download", "homebrew"], "allowed: download (ours, verified by its digest) or homebrew (the same version, pinned there)")
  .default("download")
  .describe("`homebrew`: the same version from Homebrew, checked and pinned there ([hosts.md](hosts.md#macos))");

/** Parsed `source` of a program. */
export type ProgramSource = z.output<typeof programSource>;

/** Names that a user gives, each once. @param message what is allowed @param taken names that are the stack's own */
export function names(message: string, taken: readonly string[]) {
  const name = z
    .string(message)
    .regex(/^[a-zA-Z][\w-]{0,63}$/, message)
    .refine((given) => !taken.includes(given), message);
  return z.array(name).refine((all) => new Set(all).size === all.length, message);
}

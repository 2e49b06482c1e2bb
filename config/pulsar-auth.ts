import { z } from "zod";
import { integer, names, object } from "./schema";
import { duration } from "./units";

/** The role of the stack itself: its tasks, the broker's own client, and whoever operates it. The one superuser. */
export const ADMIN_ROLE = "admin";

/** The role of the pipelines. They may do what the namespaces permit it. */
export const PIPELINES_ROLE = "pipelines";

const OWN_ROLES: readonly string[] = [ADMIN_ROLE, PIPELINES_ROLE];

const ROLE = `allowed: names of letters, digits, - and _, other than ${OWN_ROLES.join(" and ")}, each once`;

/**
 * `messaging:pulsar.auth`: every client proves its role with a token (JWT, HS256). What a role may do are the permissions of the namespaces.
 * https://pulsar.apache.org/docs/3.3.x/security-jwt/
 */
export const pulsarAuthSchema = object({
  roles: names(ROLE, OWN_ROLES).default([]).describe("roles that get a token, beside `admin` and `pipelines`"),
  tokenLifetime: duration("1h", "3650d")
    .prefault("90d")
    .describe("how long tokens are valid; the first `up` in each half of it renews them"),
  generation: integer("the number of the key that signs the tokens", 1, 1_000_000)
    .default(1)
    .describe("number of the key that signs them; raising it refuses every token before"),
}).transform(({ tokenLifetime, ...rest }) => ({ ...rest, tokenLifetimeMilliseconds: tokenLifetime }));

/** The parsed `messaging:pulsar.auth`. */
export type PulsarAuth = z.output<typeof pulsarAuthSchema>;

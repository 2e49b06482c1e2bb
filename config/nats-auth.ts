import { z } from "zod";
import { integer, object } from "./schema";

/** The account that has the declared streams, the pipelines and the users that name no account of their own. */
export const MAIN_ACCOUNT = "MESSAGING";

/** The account of the server's own events and of its administration. */
export const SYSTEM_ACCOUNT = "SYS";

/** Users that the stack has for itself: its tasks and whoever operates it, the pipelines, and who administrates the server. */
export const OWN_USERS = { operator: MAIN_ACCOUNT, pipelines: MAIN_ACCOUNT, system: SYSTEM_ACCOUNT } as const;

const NAME = /^[a-zA-Z][\w-]{0,31}$/;
const ACCOUNT = `allowed: a name of letters, digits, - and _, other than ${SYSTEM_ACCOUNT}`;

/** A subject that somebody may publish to or subscribe: tokens, `*` for one and `>` for the rest. */
const subject = z
  .string()
  .regex(/^(\*|[^\s.*>"\\]+)(\.(\*|[^\s.*>"\\]+))*(\.>)?$|^>$/, "allowed: a subject, in which * stands for a token and > for the rest");

const userSchema = object({
  account: z
    .string()
    .regex(NAME, ACCOUNT)
    .refine((name) => name !== SYSTEM_ACCOUNT, ACCOUNT)
    .default(MAIN_ACCOUNT)
    .describe("account of the user; other accounts see nothing of `MESSAGING`"),
  publish: z.array(subject).default([">"]).describe("subjects of its account that it may publish to"),
  subscribe: z.array(subject).default([">"]).describe("subjects of its account that it may subscribe"),
});

/**
 * `messaging:nats.auth`: who may connect. Every client proves that it has the private key of a user (an nkey, of which the server knows the public part only:
 * https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth).
 */
export const natsAuthSchema = object({
  generation: integer("the number of the keys", 1, 1_000_000).default(1).describe("number of the keys, by which they are rotated"),
  keepPrevious: z
    .boolean("allowed: true or false, whether the keys of the generation before are valid too")
    .default(true)
    .describe("whether the keys of the generation before are valid too"),
  users: z
    .record(
      z
        .string()
        .regex(NAME, "allowed: names of letters, digits, - and _")
        .refine(
          (name) => !(name in OWN_USERS),
          `allowed: names other than ${Object.keys(OWN_USERS).join(", ")}, which the stack has itself`,
        ),
      userSchema,
    )
    .default({})
    .describe("users by name"),
});

/** The parsed `messaging:nats.auth`. */
export type NatsAuth = z.output<typeof natsAuthSchema>;

/** A user of the server as its config has it. */
export interface NatsUser {
  readonly name: string;
  readonly account: string;
  /** Subjects; undefined: all of its account. */
  readonly permissions: { readonly publish: readonly string[]; readonly subscribe: readonly string[] } | undefined;
}

/** All users of a server, those of the stack first. */
export function natsUsers({ users }: Pick<NatsAuth, "users">): NatsUser[] {
  const own = Object.entries(OWN_USERS).map(([name, account]) => ({ name, account, permissions: undefined }));
  const declared = Object.entries(users).map(([name, { account, publish, subscribe }]) => ({
    name,
    account,
    permissions: { publish, subscribe },
  }));
  return [...own, ...declared];
}

/** The generations whose keys are valid, the current one first. */
export function validGenerations({ generation, keepPrevious }: Pick<NatsAuth, "generation" | "keepPrevious">): number[] {
  return keepPrevious && generation > 1 ? [generation, generation - 1] : [generation];
}

import { z } from "zod";
import { object } from "./schema";
import { absolutePath, PREFIX_MAX_LENGTH } from "./paths";

/** Keys of `messaging:hosts` are parts of resource names, paths and server names. */
const hostKey = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);

/** One host: how to reach it and what keeps its services alive. */
const hostSchema = object({
  connection: z.literal("local", "allowed: local").default("local"),
  services: z.enum(["auto", "supervisord"], "allowed: auto or supervisord").default("auto"),
  prefix: absolutePath("the installation prefix")
    .refine(
      (path) => path.length <= PREFIX_MAX_LENGTH,
      `allowed: at most ${PREFIX_MAX_LENGTH} characters, because supervisord's socket lies below it`,
    )
    .optional(),
});

/** `messaging:hosts`: the hosts of the stack by key; one local host when absent. */
export const hostsSchema = z
  .record(hostKey, hostSchema, {
    error: ({ code }) =>
      code === "invalid_key"
        ? "allowed: a host key of up to 31 lower-case letters, digits and -, starting with a letter"
        : "allowed: hosts by key, such as { local: {} }",
  })
  .refine((hosts) => Object.keys(hosts).length === 1, "allowed: exactly one host")
  .prefault({ local: {} });

/** The parsed entry of one host. `prefix` is undefined where the user's data folder is meant. */
export type HostConfig = z.output<typeof hostSchema>;

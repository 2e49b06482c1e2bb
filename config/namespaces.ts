import { z } from "zod";
import { topicsSchema } from "./namespace-topics";
import { integer, object, whenSound } from "./schema";
import { duration, formatBytes, size } from "./units";

const MEBIBYTE = 2 ** 20;
const MINUTE = 60_000;
const SECOND = 1000;

/** Pulsar's number for no limit in retention, quotas, rates and offload thresholds; where it counts things, the number is 0. */
const UNLIMITED = -1;
const unlimited = { unlimited: UNLIMITED };

/** A duration in whole units; a negative one is a word and stays. */
function whole(schema: z.ZodType<number, string>, milliseconds: number, unit: string) {
  return schema
    .refine((value) => value < 0 || value % milliseconds === 0, `allowed: whole ${unit}, as Pulsar counts them`)
    .transform((value) => (value < 0 ? value : value / milliseconds));
}

const seconds = (minimum: string, maximum: string, words?: Readonly<Record<string, number>>) =>
  whole(duration(minimum, maximum, words), SECOND, "seconds");
const minutes = (minimum: string, maximum: string, words?: Readonly<Record<string, number>>) =>
  whole(duration(minimum, maximum, words), MINUTE, "minutes");

const count = (noun: string) =>
  z.union(
    [integer(`unlimited, or ${noun}`, 1, 1_000_000), z.literal("unlimited").transform(() => 0)],
    `allowed: unlimited, or ${noun}, a whole number from 1 to 1000000`,
  );

const NO_RETENTION = "no retention at all is retention: none, because Pulsar refuses a zero in one dimension";

const retentionSchema = z.union(
  [
    z.literal("none").transform(() => ({ minutes: 0, mebibytes: 0 })),
    object({
      time: minutes("1m", "3650d", unlimited),
      // Rounded up: Pulsar counts MiB, and keeping less than asked for would lose messages.
      size: size("1MiB", "100TB", unlimited).transform((bytes) => (bytes < 0 ? bytes : Math.ceil(bytes / MEBIBYTE))),
    }).transform(({ time, size }) => ({ minutes: time, mebibytes: size })),
  ],
  `allowed: { time, size }, a duration from 1m in whole minutes and a size from 1MiB, each of them or unlimited; ${NO_RETENTION}`,
);

const POLICIES = ["producer_request_hold", "producer_exception", "consumer_backlog_eviction"] as const;
const quotaPolicy = z.enum(POLICIES, `allowed: ${POLICIES.join(", ")}`).default("producer_request_hold");

const backlogQuotaSchema = object({
  size: object({ limit: size("1kB", "100TB", unlimited), policy: quotaPolicy })
    .transform(({ limit, policy }) => ({ limitBytes: limit, policy }))
    .optional(),
  time: object({ limit: seconds("1s", "3650d", unlimited), policy: quotaPolicy })
    .transform(({ limit, policy }) => ({ limitSeconds: limit, policy }))
    .optional(),
}).refine(({ size, time }) => size !== undefined || time !== undefined, "allowed: size, time or both");

const never = { never: UNLIMITED };
const offloadSchema = object({
  thresholdSize: size("0B", "100TB", never).optional(),
  thresholdAge: seconds("0s", "3650d", never).optional(),
  // Written although it is Pulsar's default: a policy without it inherits the lag of an earlier one.
  deletionLag: duration("0s", "3650d", never).prefault("4h"),
})
  .refine(({ thresholdSize, thresholdAge }) => thresholdSize !== undefined || thresholdAge !== undefined, {
    error: "allowed: thresholdSize, thresholdAge or both; 0B and 0s offload as soon as a ledger closes, never switches one off",
    when: whenSound("thresholdSize", "thresholdAge"),
  })
  .transform(({ thresholdSize, thresholdAge, deletionLag }) => ({
    thresholdBytes: thresholdSize ?? UNLIMITED,
    thresholdSeconds: thresholdAge ?? UNLIMITED,
    deletionLagMilliseconds: deletionLag,
  }));

const messages = integer("messages in a period", 1, Number.MAX_SAFE_INTEGER).optional();
const bytes = size("1B", "100TB").optional();
const MESSAGES_OR_SIZE = "allowed: messages, size or both; what is left out is unlimited";

const dispatchRateSchema = object({
  messages,
  size: bytes,
  period: seconds("1s", "1d").prefault("1s"),
  relativeToPublishRate: z.boolean("allowed: true or false").default(false),
})
  .refine(({ messages, size }) => messages !== undefined || size !== undefined, MESSAGES_OR_SIZE)
  .transform(({ messages, size, period, relativeToPublishRate }) => ({
    messages: messages ?? UNLIMITED,
    bytes: size ?? UNLIMITED,
    periodSeconds: period,
    relativeToPublishRate,
  }));

const publishRateSchema = object({ messages, size: bytes })
  .refine(({ messages, size }) => messages !== undefined || size !== undefined, MESSAGES_OR_SIZE)
  .transform(({ messages, size }) => ({ messagesPerSecond: messages ?? UNLIMITED, bytesPerSecond: size ?? UNLIMITED }));

const subscribeRateSchema = object({
  perConsumer: integer("subscribe requests of one consumer in a period", 1, 1_000_000),
  period: seconds("1s", "1d").prefault("30s"),
}).transform(({ perConsumer, period }) => ({ perConsumer, periodSeconds: period }));

const SCHEMA_COMPATIBILITIES = [
  "ALWAYS_INCOMPATIBLE",
  "ALWAYS_COMPATIBLE",
  "BACKWARD",
  "FORWARD",
  "FULL",
  "BACKWARD_TRANSITIVE",
  "FORWARD_TRANSITIVE",
  "FULL_TRANSITIVE",
] as const;

const autoTopicCreationSchema = z.union(
  [
    z.literal("none").transform(() => ({ partitions: undefined })),
    object({ partitions: integer("partitions, 0 for a topic without", 0, 1000) }),
  ],
  "allowed: { partitions } of a topic that a client asks for, 0 for a topic without; or none, and only declared topics exist",
);

const inactiveTopicsSchema = z.union(
  [
    // The mode and the time of a policy that is switched off mean nothing; these are the broker's.
    z.literal("keep").transform(() => ({ enabled: false, delete: "when_no_subscriptions", afterSeconds: 60 })),
    object({
      delete: z.enum(["when_no_subscriptions", "when_subscriptions_caught_up"]),
      after: seconds("1s", "3650d"),
    }).transform((policy) => ({ enabled: true, delete: policy.delete, afterSeconds: policy.after })),
  ],
  "allowed: keep, or { delete: when_no_subscriptions or when_subscriptions_caught_up, after: a duration in whole seconds }",
);

const ACTIONS = ["produce", "consume", "functions", "sources", "sinks", "packages"] as const;
const ROLE = "allowed: a role of letters, digits and . _ @ -";
const permissionsSchema = z.record(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/),
  // Sorted, so that another order of the same actions is no change.
  z
    .array(z.enum(ACTIONS, `allowed: ${ACTIONS.join(", ")}`))
    .min(1, "allowed: at least one action; leave the role out to revoke")
    .transform((actions) => [...new Set(actions)].sort()),
  { error: ({ code }) => (code === "invalid_key" ? ROLE : "allowed: lists of actions by role") },
);

const flag = z.boolean("allowed: true or false");

/** One namespace: only the policies that are written are applied, compared and, when they are taken out again, unset. */
const namespaceSchema = object({
  retention: retentionSchema.optional(),
  backlogQuota: backlogQuotaSchema.optional(),
  messageTtl: seconds("1s", "3650d", unlimited).optional(),
  offload: offloadSchema.optional(),
  deduplication: flag.optional(),
  dispatchRate: dispatchRateSchema.optional(),
  subscriptionDispatchRate: dispatchRateSchema.optional(),
  publishRate: publishRateSchema.optional(),
  subscribeRate: subscribeRateSchema.optional(),
  maxTopics: count("topics of the namespace").optional(),
  maxProducersPerTopic: count("producers of one topic").optional(),
  maxConsumersPerTopic: count("consumers of one topic").optional(),
  maxConsumersPerSubscription: count("consumers of one subscription").optional(),
  maxSubscriptionsPerTopic: count("subscriptions of one topic").optional(),
  maxUnackedMessagesPerConsumer: count("unacknowledged messages of one consumer").optional(),
  maxUnackedMessagesPerSubscription: count("unacknowledged messages of one subscription").optional(),
  schemaCompatibility: z.enum(SCHEMA_COMPATIBILITIES, `allowed: ${SCHEMA_COMPATIBILITIES.join(", ")}`).optional(),
  schemaValidationEnforced: flag.optional(),
  autoSchemaUpdate: flag.optional(),
  autoTopicCreation: autoTopicCreationSchema.optional(),
  autoSubscriptionCreation: flag.optional(),
  inactiveTopics: inactiveTopicsSchema.optional(),
  subscriptionExpiration: minutes("1m", "3650d", unlimited).optional(),
  permissions: permissionsSchema.default({}),
  topics: topicsSchema,
})
  .refine(({ retention, backlogQuota }) => exceeds(retention?.mebibytes, (backlogQuota?.size?.limitBytes ?? UNLIMITED) / MEBIBYTE), {
    path: ["backlogQuota", "size", "limit"],
    error: ({ input }) => {
      const { retention, backlogQuota } = input as Limits;
      const [kept, held] = [retention?.mebibytes ?? NaN, backlogQuota?.size?.limitBytes ?? NaN];
      return `allowed: less than retention.size; Pulsar refuses ${formatBytes(held)} with a retention of ${kept}MiB`;
    },
    when: whenSound("retention", "backlogQuota"),
  })
  .refine(({ retention, backlogQuota }) => exceeds(retention?.minutes, (backlogQuota?.time?.limitSeconds ?? UNLIMITED) / 60), {
    path: ["backlogQuota", "time", "limit"],
    error: ({ input }) => {
      const { retention, backlogQuota } = input as Limits;
      const [kept, held] = [retention?.minutes ?? NaN, backlogQuota?.time?.limitSeconds ?? NaN];
      return `allowed: less than retention.time; ${held}s of backlog outlive a retention of ${kept}m`;
    },
    when: whenSound("retention", "backlogQuota"),
  })
  .refine(({ retention, backlogQuota }) => !comparesDefault(retention, backlogQuota), {
    path: ["backlogQuota", "size"],
    error:
      "allowed: with backlogQuota.time and a limited retention.size, a size too (its limit may be unlimited); Pulsar compares its default of 10GiB else",
    when: whenSound("retention", "backlogQuota"),
  });

interface Limits {
  readonly retention?: z.output<typeof retentionSchema>;
  readonly backlogQuota?: z.output<typeof backlogQuotaSchema>;
}

/** Is what is kept more than a quota in one dimension, or one of them without a limit? */
function exceeds(kept: number | undefined, quota: number): boolean {
  return kept === undefined || kept <= 0 || quota < 0 || kept > quota;
}

/** Does the broker fall back to its default size quota, which it compares with every retention (AdminResource.checkBacklogQuota)? */
function comparesDefault(retention: Limits["retention"], backlogQuota: Limits["backlogQuota"]): boolean {
  return backlogQuota?.time !== undefined && backlogQuota.size === undefined && (retention?.mebibytes ?? 0) > 0;
}

const NAMESPACE = "allowed: tenant/namespace, each of up to 64 letters, digits, _ and -; the tenant pulsar is the broker's own";

/** `messaging:namespaces`: Pulsar namespaces by tenant/namespace. https://pulsar.apache.org/docs/3.3.x/admin-api-namespaces/ */
export const namespacesSchema = z
  .record(z.string().regex(/^(?!pulsar\/)[A-Za-z0-9_-]{1,64}\/[A-Za-z0-9_-]{1,64}$/), namespaceSchema, {
    error: ({ code }) => (code === "invalid_key" ? NAMESPACE : "allowed: namespaces by tenant/namespace"),
  })
  .default({});

/** One declared namespace: whole numbers in the unit that the name says, -1 for no limit (0 where things are counted), undefined for what was not written. */
export type NamespaceConfig = z.output<typeof namespaceSchema>;

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
      time: minutes("1m", "3650d", unlimited).describe("in whole minutes"),
      // Rounded up: Pulsar counts MiB, and keeping less than asked for would lose messages.
      size: size("1MiB", "100TB", unlimited)
        .transform((bytes) => (bytes < 0 ? bytes : Math.ceil(bytes / MEBIBYTE)))
        .describe("in MiB, rounded up"),
    }).transform(({ time, size }) => ({ minutes: time, mebibytes: size })),
  ],
  `allowed: { time, size }, a duration from 1m in whole minutes and a size from 1MiB, each of them or unlimited; ${NO_RETENTION}`,
);

const POLICIES = ["producer_request_hold", "producer_exception", "consumer_backlog_eviction"] as const;
const quotaPolicy = z
  .enum(POLICIES, `allowed: ${POLICIES.join(", ")}`)
  .default("producer_request_hold")
  .describe("what happens at the limit");

const backlogQuotaSchema = object({
  size: object({
    limit: size("1kB", "100TB", unlimited).describe("what may wait for delivery; below `retention.size`"),
    policy: quotaPolicy,
  })
    .transform(({ limit, policy }) => ({ limitBytes: limit, policy }))
    .optional(),
  time: object({
    limit: seconds("1s", "3650d", unlimited).describe("how long a message may wait, in whole seconds; below `retention.time`"),
    policy: quotaPolicy,
  })
    .transform(({ limit, policy }) => ({ limitSeconds: limit, policy }))
    .optional(),
}).refine(({ size, time }) => size !== undefined || time !== undefined, "allowed: size, time or both");

const never = { never: UNLIMITED };
const offloadSchema = object({
  thresholdSize: size("0B", "100TB", never)
    .optional()
    .describe("ledgers beyond it go to tiered storage; `0B`: at once. This or `thresholdAge`, or both"),
  thresholdAge: seconds("0s", "3650d", never).optional().describe("ledgers older than it go to tiered storage; `0s`: at once"),
  // Written although it is Pulsar's default: a policy without it inherits the lag of an earlier one.
  deletionLag: duration("0s", "3650d", never).prefault("4h").describe("how long a ledger is in both places"),
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

const messages = integer("messages in a period", 1, Number.MAX_SAFE_INTEGER)
  .optional()
  .describe("messages in each period; this or `size`, or both");
const bytes = size("1B", "100TB").optional().describe("how much in each period");
const MESSAGES_OR_SIZE = "allowed: messages, size or both; what is left out is unlimited";

const dispatchRateSchema = object({
  messages,
  size: bytes,
  period: seconds("1s", "1d").prefault("1s").describe("in whole seconds"),
  relativeToPublishRate: z.boolean("allowed: true or false").default(false).describe("whether what is published adds to it"),
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
  perConsumer: integer("subscribe requests of one consumer in a period", 1, 1_000_000).describe("subscribe requests in each period"),
  period: seconds("1s", "1d").prefault("30s").describe("in whole seconds"),
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
    object({ partitions: integer("partitions, 0 for a topic without", 0, 1000).describe("0: a topic without") }),
  ],
  "allowed: { partitions } of a topic that a client asks for, 0 for a topic without; or none, and only declared topics exist",
);

const inactiveTopicsSchema = z.union(
  [
    // The mode and the time of a policy that is switched off mean nothing; these are the broker's.
    z.literal("keep").transform(() => ({ enabled: false, delete: "when_no_subscriptions", afterSeconds: 60 })),
    object({
      delete: z.enum(["when_no_subscriptions", "when_subscriptions_caught_up"]).describe("which topics go"),
      after: seconds("1s", "3650d").describe("after how long, in whole seconds"),
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
    .transform((actions) => [...new Set(actions)].sort())
    .describe("what the role may do"),
  { error: ({ code }) => (code === "invalid_key" ? ROLE : "allowed: lists of actions by role") },
);

const flag = z.boolean("allowed: true or false");

/** One namespace: only the policies that are written are applied, compared and, when they are taken out again, unset. */
const namespaceSchema = object({
  retention: retentionSchema.optional().describe("what is kept of acknowledged messages, both keys; or `none`"),
  backlogQuota: backlogQuotaSchema
    .optional()
    .describe("what may wait for delivery: `size`, `time` or both; `time` with a limited `retention.size` needs `size` too"),
  messageTtl: seconds("1s", "3650d", unlimited)
    .optional()
    .describe("after which unacknowledged messages count as acknowledged, in whole seconds"),
  offload: offloadSchema.optional().describe("when closed ledgers go to tiered storage (`pulsar.tieredStorage`); `never` switches off"),
  deduplication: flag.optional().describe("whether a message that is sent again with its sequence id is stored once"),
  dispatchRate: dispatchRateSchema.optional().describe("what a topic delivers at most"),
  subscriptionDispatchRate: dispatchRateSchema.optional().describe("what a subscription delivers at most"),
  publishRate: publishRateSchema.optional().describe("what a topic takes at most in each second"),
  subscribeRate: subscribeRateSchema.optional().describe("how often a consumer may subscribe"),
  maxTopics: count("topics of the namespace").optional().describe("topics of the namespace"),
  maxProducersPerTopic: count("producers of one topic").optional().describe("producers of one topic"),
  maxConsumersPerTopic: count("consumers of one topic").optional().describe("consumers of one topic"),
  maxConsumersPerSubscription: count("consumers of one subscription").optional().describe("consumers of one subscription"),
  maxSubscriptionsPerTopic: count("subscriptions of one topic").optional().describe("subscriptions of one topic"),
  maxUnackedMessagesPerConsumer: count("unacknowledged messages of one consumer")
    .optional()
    .describe("unacknowledged messages of one consumer"),
  maxUnackedMessagesPerSubscription: count("unacknowledged messages of one subscription")
    .optional()
    .describe("unacknowledged messages of one subscription"),
  schemaCompatibility: z
    .enum(SCHEMA_COMPATIBILITIES, `allowed: ${SCHEMA_COMPATIBILITIES.join(", ")}`)
    .optional()
    .describe("which new versions of a topic's schema are taken"),
  schemaValidationEnforced: flag.optional().describe("whether producers without a schema are refused where a topic has one"),
  autoSchemaUpdate: flag.optional().describe("whether a producer may bring a new version"),
  autoTopicCreation: autoTopicCreationSchema
    .optional()
    .describe("topics that a client's first use creates; `none`: only declared topics exist"),
  autoSubscriptionCreation: flag.optional().describe("whether a consumer may create its subscription"),
  inactiveTopics: inactiveTopicsSchema.optional().describe("whether unused topics go; `keep`: never"),
  subscriptionExpiration: minutes("1m", "3650d", unlimited)
    .optional()
    .describe("after which an unused subscription goes, in whole minutes"),
  permissions: permissionsSchema.default({}).describe("permissions by role; roles of other hands stay"),
  topics: topicsSchema.describe("persistent topics by name"),
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
  .meta({ placeholder: "tenant/namespace" })
  .default({});

/** One declared namespace: whole numbers in the unit that the name says, -1 for no limit (0 where things are counted), undefined for what was not written. */
export type NamespaceConfig = z.output<typeof namespaceSchema>;

import type { NamespaceConfig } from "../config/namespaces";
import type { TopicConfig } from "../config/namespace-topics";
import type { Declared } from "./objects";
import type { PulsarPaths } from "./pulsar";

/** Fields of an offload policy that say where to: the policy of a namespace hides the broker's own, `offloadersDirectory` and the driver's settings included. */
export type OffloadDriver = Readonly<Record<string, string | number>>;

/** Offloads to the broker's file system; where there, the broker's own settings say unless more is added. */
export const FILESYSTEM_DRIVER: OffloadDriver = { managedLedgerOffloadDriver: "filesystem" };

/** The driver that says where the offloader, its profile and what it offloads are. @param places undefined without tiered storage */
export function offloadDriver(places: PulsarPaths["tieredStorage"]): OffloadDriver {
  if (places === undefined) return FILESYSTEM_DRIVER;
  const { offloaders, profile, directory } = places;
  return { ...FILESYSTEM_DRIVER, offloadersDirectory: offloaders, fileSystemProfilePath: profile, fileSystemURI: `file://${directory}` };
}

/**
 * The policies that a config writes: paths of the admin API below the namespace, and what goes there.
 * https://pulsar.apache.org/admin-rest-api/?version=3.3.6#tag/namespaces
 */
export function namespacePolicies(namespace: NamespaceConfig, offloadDriver: OffloadDriver): Declared {
  const { retention, backlogQuota, offload } = namespace;
  return written({
    retention: when(retention, ({ minutes, mebibytes }) => ({ retentionTimeInMinutes: minutes, retentionSizeInMB: mebibytes })),
    "backlogQuota?backlogQuotaType=destination_storage": when(backlogQuota?.size, ({ limitBytes, policy }) => ({
      limitSize: limitBytes,
      limitTime: -1,
      policy,
    })),
    "backlogQuota?backlogQuotaType=message_age": when(backlogQuota?.time, ({ limitSeconds, policy }) => ({
      limitSize: -1,
      limitTime: limitSeconds,
      policy,
    })),
    // 0 is Pulsar's word for messages that do not expire.
    messageTTL: when(namespace.messageTtl, (seconds) => Math.max(seconds, 0)),
    offloadPolicies: when(offload, ({ thresholdBytes, thresholdSeconds, deletionLagMilliseconds }) => ({
      ...offloadDriver,
      managedLedgerOffloadThresholdInBytes: thresholdBytes,
      managedLedgerOffloadThresholdInSeconds: thresholdSeconds,
      managedLedgerOffloadDeletionLagInMillis: deletionLagMilliseconds,
    })),
    deduplication: namespace.deduplication,
    dispatchRate: when(namespace.dispatchRate, dispatchRate),
    subscriptionDispatchRate: when(namespace.subscriptionDispatchRate, dispatchRate),
    publishRate: when(namespace.publishRate, ({ messagesPerSecond, bytesPerSecond }) => ({
      publishThrottlingRateInMsg: messagesPerSecond,
      publishThrottlingRateInByte: bytesPerSecond,
    })),
    subscribeRate: when(namespace.subscribeRate, ({ perConsumer, periodSeconds }) => ({
      subscribeThrottlingRatePerConsumer: perConsumer,
      ratePeriodInSecond: periodSeconds,
    })),
    maxTopicsPerNamespace: namespace.maxTopics,
    maxProducersPerTopic: namespace.maxProducersPerTopic,
    maxConsumersPerTopic: namespace.maxConsumersPerTopic,
    maxConsumersPerSubscription: namespace.maxConsumersPerSubscription,
    maxSubscriptionsPerTopic: namespace.maxSubscriptionsPerTopic,
    maxUnackedMessagesPerConsumer: namespace.maxUnackedMessagesPerConsumer,
    maxUnackedMessagesPerSubscription: namespace.maxUnackedMessagesPerSubscription,
    schemaCompatibilityStrategy: namespace.schemaCompatibility,
    schemaValidationEnforced: namespace.schemaValidationEnforced,
    isAllowAutoUpdateSchema: namespace.autoSchemaUpdate,
    autoTopicCreation: when(namespace.autoTopicCreation, autoTopicCreation),
    autoSubscriptionCreation: when(namespace.autoSubscriptionCreation, (allowAutoSubscriptionCreation) => ({
      allowAutoSubscriptionCreation,
    })),
    inactiveTopicPolicies: when(namespace.inactiveTopics, (policy) => ({
      inactiveTopicDeleteMode: `delete_${policy.delete}`,
      maxInactiveDurationSeconds: policy.afterSeconds,
      deleteWhileInactive: policy.enabled,
    })),
    subscriptionExpirationTime: when(namespace.subscriptionExpiration, (minutes) => Math.max(minutes, 0)),
    ...Object.fromEntries(
      Object.entries(namespace.permissions).map(([role, actions]): [string, unknown] => [`permissions/${role}`, actions]),
    ),
  });
}

/** What a topic is declared with: paths of the admin API below the topic, and where a new subscription starts. */
export function topicProperties({ partitions, subscriptions }: TopicConfig): Declared {
  const positions = Object.entries(subscriptions).map(([name, { position }]) => [`subscription/${name}`, position] as const);
  return { partitions, ...Object.fromEntries(positions) };
}

/** The entries that have a value. */
function written(entries: Declared): Declared {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

function when<Value, Result>(value: Value | undefined, render: (value: Value) => Result): Result | undefined {
  return value === undefined ? undefined : render(value);
}

function dispatchRate(rate: NonNullable<NamespaceConfig["dispatchRate"]>) {
  return {
    dispatchThrottlingRateInMsg: rate.messages,
    dispatchThrottlingRateInByte: rate.bytes,
    relativeToPublishRate: rate.relativeToPublishRate,
    ratePeriodInSecond: rate.periodSeconds,
  };
}

function autoTopicCreation({ partitions }: NonNullable<NamespaceConfig["autoTopicCreation"]>) {
  if (partitions === undefined) return { allowAutoTopicCreation: false };
  if (partitions === 0) return { allowAutoTopicCreation: true, topicType: "non-partitioned" };
  return { allowAutoTopicCreation: true, topicType: "partitioned", defaultNumPartitions: partitions };
}

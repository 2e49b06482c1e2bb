import type { ConsumerConfig, StreamConfig } from "../config/nats-streams";
import type { Declared } from "./objects";

/** JetStream's API takes nanoseconds. */
const NANOSECONDS = 1_000_000;

/** The stream configuration of the JetStream API, without the name. https://docs.nats.io/nats-concepts/jetstream/streams */
export function streamProperties(stream: StreamConfig): Declared {
  return {
    subjects: stream.subjects,
    storage: stream.storage,
    retention: stream.retention,
    discard: stream.discard,
    max_age: stream.maxAgeMilliseconds * NANOSECONDS,
    max_msgs: stream.maxMessages,
    max_msgs_per_subject: stream.maxMessagesPerSubject,
    max_bytes: stream.maxBytes,
    max_msg_size: -1,
    max_consumers: -1,
    duplicate_window: stream.duplicateWindowMilliseconds * NANOSECONDS,
    num_replicas: 1,
  };
}

/** The configuration of a durable pull consumer, without the name. https://docs.nats.io/nats-concepts/jetstream/consumers */
export function consumerProperties(consumer: ConsumerConfig): Declared {
  return {
    deliver_policy: consumer.deliverPolicy,
    ack_policy: "explicit",
    replay_policy: "instant",
    ack_wait: consumer.ackWaitMilliseconds * NANOSECONDS,
    max_deliver: consumer.maxDeliver,
    max_ack_pending: consumer.maxAckPending,
    ...(consumer.backoffMilliseconds.length === 0 ? {} : { backoff: consumer.backoffMilliseconds.map((wait) => wait * NANOSECONDS) }),
    ...(consumer.filterSubjects.length === 0 ? {} : { filter_subjects: consumer.filterSubjects }),
  };
}

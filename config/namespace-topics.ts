import { z } from "zod";
import { integer, object } from "./schema";

const TOPIC = "allowed: a topic name of up to 64 letters, digits and . _ -, not ending in -partition-<number>, which Pulsar adds itself";
const topicName = z.string().regex(/^(?!.*-partition-\d+$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

const SUBSCRIPTION = "allowed: a subscription name of up to 64 letters, digits and . _ -";
const subscriptionName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);

const subscriptionSchema = object({
  position: z
    .enum(["earliest", "latest"], "allowed: earliest or latest")
    .default("latest")
    .describe("where a new subscription starts; one that exists stays where it is"),
});

const topicSchema = object({
  partitions: integer("partitions, 0 for a topic without", 0, 1000)
    .default(0)
    .describe("0: a topic without partitions. Partitions can be added, never taken away"),
  subscriptions: z
    .record(subscriptionName, subscriptionSchema, {
      error: ({ code }) => (code === "invalid_key" ? SUBSCRIPTION : "allowed: subscriptions by name"),
    })
    .default({})
    .describe("subscriptions that exist, by name"),
});

/** `messaging:namespaces.<tenant/namespace>.topics`: persistent topics by name. */
export const topicsSchema = z
  .record(topicName, topicSchema, {
    error: ({ code }) => (code === "invalid_key" ? TOPIC : "allowed: topics by name"),
  })
  .default({});

/** One declared topic. */
export type TopicConfig = z.output<typeof topicSchema>;

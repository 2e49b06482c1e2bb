import { z } from "zod";
import { integer, object, whenSound } from "./schema";
import { duration, size } from "./units";

const name = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/);

const SUBJECT = "allowed: a subject of tokens without spaces, * for one token and > for the rest at the end, not starting with $ or _";
const subject = z.string(SUBJECT).regex(/^(?![$_])(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?$/, SUBJECT);

const subjects = z.array(subject).min(1, "allowed: at least one subject");

/**
 * Retention classes of the mission (3.2.5). A stream names one and may override each of its values.
 * `ephemeral`: real-time coordination, gone with the server. `presence`: the last value of each subject, for seconds.
 * `workQueue`: a task queue; an acknowledged message is deleted, and publishers are refused when it is full. `eventLog`: kept by age, count and size.
 */
const PRESETS = {
  ephemeral: {
    storage: "memory",
    retention: "limits",
    discard: "old",
    maxAge: "5m",
    maxMessages: -1,
    maxMessagesPerSubject: -1,
    maxBytes: "32MB",
  },
  presence: {
    storage: "memory",
    retention: "limits",
    discard: "old",
    maxAge: "30s",
    maxMessages: -1,
    maxMessagesPerSubject: 1,
    maxBytes: "8MB",
  },
  workQueue: {
    storage: "file",
    retention: "workqueue",
    discard: "new",
    maxAge: "7d",
    maxMessages: -1,
    maxMessagesPerSubject: -1,
    maxBytes: "1GB",
  },
  eventLog: {
    storage: "file",
    retention: "limits",
    discard: "old",
    maxAge: "30d",
    maxMessages: 10_000_000,
    maxMessagesPerSubject: -1,
    maxBytes: "2GB",
  },
} as const;

const presetNames = Object.keys(PRESETS) as [keyof typeof PRESETS, ...(keyof typeof PRESETS)[]];

const age = duration("100ms", "3650d");

/** JetStream deduplicates by Nats-Msg-Id within this window unless the stream's messages are shorter-lived (server default: two minutes). */
const DUPLICATE_WINDOW_MILLISECONDS = 120_000;

const consumerSchema = object({
  filterSubjects: subjects.optional().describe("what it gets of the stream; without: all"),
  deliverPolicy: z
    .enum(["all", "new", "last", "last_per_subject"], "allowed: all, new, last or last_per_subject")
    .default("all")
    .describe("where it starts"),
  ackWait: duration("100ms", "1d")
    .optional()
    .describe("after which an unacknowledged message is delivered again; `30s` unless given, the first duration of `backoff` with it"),
  maxDeliver: integer("deliveries of one message", 1, 1_000_000)
    .optional()
    .describe("how often a message is delivered at most; required with `backoff`, without: no limit"),
  backoff: z
    .array(duration("100ms", "1d"))
    .min(1, "allowed: at least one duration")
    .optional()
    .describe("waits before each further delivery"),
  maxAckPending: integer("unacknowledged messages", 1, 1_000_000).default(1000).describe("what may be unacknowledged at a time"),
})
  .refine(({ backoff, maxDeliver }) => backoff === undefined || (maxDeliver !== undefined && backoff.length <= maxDeliver), {
    path: ["maxDeliver"],
    error: "allowed: with backoff, a number of deliveries that is at least the number of its durations",
    when: whenSound("backoff", "maxDeliver"),
  })
  .refine(({ backoff, ackWait }) => backoff === undefined || ackWait === undefined || ackWait === backoff[0], {
    path: ["ackWait"],
    error: "allowed: with backoff, nothing or its first duration, which the server takes instead",
    when: whenSound("backoff", "ackWait"),
  })
  .transform(({ filterSubjects, backoff, ackWait, maxDeliver, ...rest }) => ({
    ...rest,
    // Sorted, so that another order of the same filters is no change.
    filterSubjects: filterSubjects === undefined ? [] : [...filterSubjects].sort(),
    backoffMilliseconds: backoff ?? [],
    ackWaitMilliseconds: backoff?.[0] ?? ackWait ?? 30_000,
    maxDeliver: maxDeliver ?? -1,
  }));

const streamSchema = object({
  preset: z
    .enum(presetNames, `allowed: ${presetNames.join(", ")}`)
    .describe(
      "`ephemeral` (memory, 5 minutes, 32 MB), `presence` (memory, last value of each subject, 30 seconds, 8 MB), `workQueue` (file, acknowledged messages are deleted, 7 days, 1 GB), `eventLog` (file, 30 days, 10 million messages, 2 GB)",
    ),
  subjects: subjects.describe("`*` and `>` allowed; no two streams may share one"),
  storage: z.enum(["file", "memory"], "allowed: file or memory").optional().describe("the preset's unless given, like the following"),
  retention: z
    .enum(["limits", "interest", "workqueue"], "allowed: limits, interest or workqueue")
    .optional()
    .describe("when messages go: by the limits, when nobody is interested, when acknowledged"),
  discard: z.enum(["old", "new"], "allowed: old or new").optional().describe("at a limit the oldest messages go, or new ones are refused"),
  maxAge: age.optional().describe("how old a message may get"),
  maxMessages: integer("messages", 1, Number.MAX_SAFE_INTEGER).optional().describe("how many messages it may hold"),
  maxMessagesPerSubject: integer("messages of one subject", 1, Number.MAX_SAFE_INTEGER).optional().describe("how many of each subject"),
  maxBytes: size("1kB", "100TB")
    .optional()
    .describe(
      "how much it may hold; JetStream reserves it, so the sums must fit the stores together with the streams that are not declared here",
    ),
  duplicateWindow: age.optional().describe("a repeated `Nats-Msg-Id` within it is stored once; 2 minutes unless given, at most `maxAge`"),
  consumers: z
    .record(name, consumerSchema, {
      error: ({ code }) =>
        code === "invalid_key" ? "allowed: a consumer name of up to 32 letters, digits, _ and -" : "allowed: consumers by name",
    })
    .default({})
    .describe("durable pull consumers with explicit acknowledgement, by name"),
}).transform(({ preset, maxAge, maxBytes, duplicateWindow, ...rest }) => {
  const base = PRESETS[preset];
  const maxAgeMilliseconds = maxAge ?? age.parse(base.maxAge);
  return {
    preset,
    subjects: [...rest.subjects].sort(),
    storage: rest.storage ?? base.storage,
    retention: rest.retention ?? base.retention,
    discard: rest.discard ?? base.discard,
    maxAgeMilliseconds,
    maxMessages: rest.maxMessages ?? base.maxMessages,
    maxMessagesPerSubject: rest.maxMessagesPerSubject ?? base.maxMessagesPerSubject,
    maxBytes: maxBytes ?? size("1kB", "100TB").parse(base.maxBytes),
    duplicateWindowMilliseconds: duplicateWindow ?? Math.min(DUPLICATE_WINDOW_MILLISECONDS, maxAgeMilliseconds),
    consumers: rest.consumers,
  };
});

/** `messaging:nats.streams`: JetStream streams by name, each bounded by age and size. */
export const streamsSchema = z
  .record(name, streamSchema, {
    error: ({ code }) =>
      code === "invalid_key" ? "allowed: a stream name of up to 32 letters, digits, _ and -" : "allowed: streams by name",
  })
  .superRefine((streams, context) => {
    for (const [stream, { duplicateWindowMilliseconds, maxAgeMilliseconds }] of Object.entries(streams)) {
      if (duplicateWindowMilliseconds <= maxAgeMilliseconds) continue;
      context.addIssue({ code: "custom", path: [stream, "duplicateWindow"], message: "allowed: at most maxAge" });
    }
    for (const [one, other, shared] of overlaps(streams)) {
      context.addIssue({
        code: "custom",
        path: [other, "subjects"],
        message: `allowed: subjects that no other stream has; ${shared} belongs to ${one} too`,
      });
    }
  })
  .default({})
  .describe("JetStream streams by name; plain subjects that no stream names stay ephemeral");

/** One declared stream: whole numbers, -1 for no limit. */
export type StreamConfig = z.output<typeof streamSchema>;

/** One declared consumer: durable, pull, explicit acknowledgement. */
export type ConsumerConfig = z.output<typeof consumerSchema>;

/** Bytes that the streams of one storage reserve. */
export function reservedBytes(streams: Readonly<Record<string, StreamConfig>>, storage: "file" | "memory"): number {
  return Object.values(streams).reduce((sum, stream) => sum + (stream.storage === storage ? stream.maxBytes : 0), 0);
}

function* overlaps(streams: Readonly<Record<string, StreamConfig>>): Generator<[one: string, other: string, shared: string]> {
  const all = Object.entries(streams);
  for (const [index, [one, { subjects: mine }]] of all.entries()) {
    for (const [other, { subjects: theirs }] of all.slice(index + 1)) {
      const shared = theirs.find((their) => mine.some((my) => subjectsOverlap(my, their)));
      if (shared !== undefined) yield [one, other, shared];
    }
  }
}

/** Can one subject match both patterns? https://docs.nats.io/nats-concepts/subjects#wildcards */
export function subjectsOverlap(one: string, other: string): boolean {
  const [left, right] = [one.split("."), other.split(".")];
  for (let index = 0; ; index++) {
    const [a, b] = [left[index], right[index]];
    if (a === undefined || b === undefined) return a === b;
    if (a === ">" || b === ">") return true;
    if (a !== b && a !== "*" && b !== "*") return false;
  }
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/load";
import { subjectsOverlap } from "../../config/nats-streams";
import { consumerProperties } from "../../render/jetstream";
import { streamsTask } from "../../tasks/jetstream";

const streams = (declared: Record<string, unknown>, nats: Record<string, unknown> = {}) =>
  parseConfig({ nats: { ...nats, streams: declared } }).nats?.streams ?? {};

const refusal = (declared: Record<string, unknown>, nats: Record<string, unknown> = {}) => {
  try {
    streams(declared, nats);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};

test("the presets are the retention classes of the mission", () => {
  const { coordination, presence, tasks, events } = streams({
    coordination: { preset: "ephemeral", subjects: ["coordination.>"] },
    presence: { preset: "presence", subjects: ["presence.*"] },
    tasks: { preset: "workQueue", subjects: ["tasks.>"] },
    events: { preset: "eventLog", subjects: ["events.>"] },
  });
  assert.equal(coordination?.storage, "memory");
  assert.equal(coordination.maxAgeMilliseconds, 300_000);
  assert.equal(presence?.maxMessagesPerSubject, 1);
  assert.equal(presence.duplicateWindowMilliseconds, 30_000);
  assert.equal(tasks?.retention, "workqueue");
  assert.equal(tasks.storage, "file");
  assert.equal(events?.maxMessages, 10_000_000);
  assert.equal(events.maxBytes, 2e9);
});

test("all streams with their consumers are one task, with JetStream's words: nanoseconds, bytes, -1 for no limit, a key a line", () => {
  const urls = { url: "nats://127.0.0.1:4222", monitoringUrl: "http://127.0.0.1:8222" };
  const tasks = { preset: "workQueue", subjects: ["tasks.b", "tasks.a"], maxAge: "1h", maxBytes: "1MiB", consumers: { workers: {} } };
  const task = streamsTask({ ...urls, streams: streams({ tasks, events: { preset: "eventLog", subjects: ["events.>"] } }) });
  assert.ok(task?.body);
  assert.equal(
    task.body.replace(/^(?!stream\/tasks).*\n/gm, ""),
    `stream/tasks
stream/tasks subjects ["tasks.a","tasks.b"]
stream/tasks storage "file"
stream/tasks retention "workqueue"
stream/tasks discard "new"
stream/tasks max_age 3600000000000
stream/tasks max_msgs -1
stream/tasks max_msgs_per_subject -1
stream/tasks max_bytes 1048576
stream/tasks max_msg_size -1
stream/tasks max_consumers -1
stream/tasks duplicate_window 120000000000
stream/tasks num_replicas 1
`,
  );
  assert.match(task.body, /^consumer\/tasks\/workers\nconsumer\/tasks\/workers deliver_policy "all"$/m);
  assert.match(task.body, /^stream\/events$/m);
  assert.deepEqual(task.earlier, ["nats-stream-tasks", "nats-consumer-tasks-workers", "nats-stream-events"]);
  assert.equal(streamsTask({ ...urls, streams: {} }), undefined);
});

test("backoff decides the acknowledgement wait, as the server does", () => {
  const { tasks } = streams({
    tasks: { preset: "workQueue", subjects: ["tasks.>"], consumers: { worker: { maxDeliver: 3, backoff: ["2s", "10s"] } } },
  });
  const worker = tasks?.consumers["worker"];
  assert.ok(worker);
  const config = consumerProperties(worker);
  assert.equal(config["ack_wait"], 2e9);
  assert.deepEqual(config["backoff"], [2e9, 10e9]);
});

const stream = (overrides: Record<string, unknown>) => ({ orders: { preset: "eventLog", subjects: ["orders.>"], ...overrides } });
const refusals: [string, string, RegExp][] = [
  [
    "an unknown preset",
    refusal(stream({ preset: "forever" })),
    /nats\.streams\.orders\.preset: got "forever"; allowed: ephemeral, presence, workQueue, eventLog/,
  ],
  ["no subject", refusal(stream({ subjects: [] })), /nats\.streams\.orders\.subjects: got \[\]; allowed: at least one subject/],
  ["a subject with a space", refusal(stream({ subjects: ["a b"] })), /nats\.streams\.orders\.subjects\.0: got "a b"; allowed: a subject/],
  ["a system subject", refusal(stream({ subjects: ["$JS.>"] })), /allowed: a subject/],
  ["> in the middle", refusal(stream({ subjects: ["a.>.b"] })), /allowed: a subject/],
  ["a name with a dot", refusal({ "a.b": { preset: "eventLog", subjects: ["x"] } }), /nats\.streams\.a\.b: .*allowed: a stream name/],
  [
    "overlapping subjects",
    refusal({ one: { preset: "eventLog", subjects: ["a.*"] }, two: { preset: "eventLog", subjects: ["a.b"] } }),
    /nats\.streams\.two\.subjects: .*a\.b belongs to one too/,
  ],
  [
    "a window longer than the age",
    refusal(stream({ maxAge: "1m", duplicateWindow: "2m" })),
    /duplicateWindow: got "2m"; allowed: at most maxAge/,
  ],
  ["more than the file store", refusal(stream({ maxBytes: "11GB" })), /nats\.streams: .*fit jetstream\.maxFileStore/],
  [
    "more than the memory store",
    refusal(stream({ storage: "memory", maxBytes: "300MB" })),
    /nats\.streams: .*fit jetstream\.maxMemoryStore/,
  ],
  [
    "backoff without a bound",
    refusal(stream({ consumers: { c: { backoff: ["1s"] } } })),
    /consumers\.c\.maxDeliver: not set; allowed: with backoff/,
  ],
  [
    "another wait than the first of backoff",
    refusal(stream({ consumers: { c: { backoff: ["1s"], maxDeliver: 2, ackWait: "5s" } } })),
    /consumers\.c\.ackWait: got "5s"; allowed: with backoff, nothing/,
  ],
];
for (const [what, message, pattern] of refusals) test(`refused: ${what}`, () => assert.match(message, pattern));

test("consent names objects", () => {
  assert.deepEqual(parseConfig({ allowDataLoss: ["stream/orders", "consumer/orders/worker"] }).allowDataLoss.length, 2);
  assert.throws(
    () => parseConfig({ allowDataLoss: ["orders"] }),
    /messaging:allowDataLoss\.0: got "orders"; allowed: objects that may lose messages/,
  );
});

for (const [one, other, overlap] of [
  ["a.b", "a.b", true],
  ["a.b", "a.c", false],
  ["a.*", "a.b", true],
  ["a.*", "a.b.c", false],
  ["a.>", "a.b.c", true],
  ["a.>", "a", false],
  ["*.b", "a.*", true],
  [">", "a.b", true],
] as const) {
  test(`${one} and ${other} ${overlap ? "overlap" : "do not overlap"}`, () => {
    assert.equal(subjectsOverlap(one, other), overlap);
    assert.equal(subjectsOverlap(other, one), overlap);
  });
}

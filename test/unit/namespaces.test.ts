import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/load";
import { namespacesSchema } from "../../config/namespaces";
import { FILESYSTEM_DRIVER, namespacePolicies, topicProperties } from "../../render/namespaces";
import { objectLines } from "../../render/objects";
import { declaredNamespaces, namespacesTask } from "../../tasks/namespaces";

const NAME = "arc/agents";
const parse = (declared: Record<string, unknown>) => {
  const namespace = namespacesSchema.parse({ [NAME]: declared })[NAME];
  assert.ok(namespace);
  return namespace;
};
const policies = (declared: Record<string, unknown>) => namespacePolicies(parse(declared), FILESYSTEM_DRIVER);
const body = (declared: Record<string, unknown>) => objectLines({ [`namespace/${NAME}`]: policies(declared) });

test("policies as the admin API takes them: a path a line after the name, in Pulsar's units, and nothing that was not written", () => {
  assert.equal(
    body({
      retention: { time: "7d", size: "10GiB" },
      backlogQuota: { size: { limit: "5GiB" }, time: { limit: "3d", policy: "consumer_backlog_eviction" } },
      messageTtl: "3d",
      dispatchRate: { messages: 1000 },
      maxTopics: "unlimited",
      permissions: { app: ["produce", "consume", "produce"] },
    }),
    `namespace/arc/agents
namespace/arc/agents retention {"retentionTimeInMinutes":10080,"retentionSizeInMB":10240}
namespace/arc/agents backlogQuota?backlogQuotaType=destination_storage {"limitSize":5368709120,"limitTime":-1,"policy":"producer_request_hold"}
namespace/arc/agents backlogQuota?backlogQuotaType=message_age {"limitSize":-1,"limitTime":259200,"policy":"consumer_backlog_eviction"}
namespace/arc/agents messageTTL 259200
namespace/arc/agents dispatchRate {"dispatchThrottlingRateInMsg":1000,"dispatchThrottlingRateInByte":-1,"relativeToPublishRate":false,"ratePeriodInSecond":1}
namespace/arc/agents maxTopicsPerNamespace 0
namespace/arc/agents permissions/app ["consume","produce"]
`,
  );
  assert.equal(body({}), "namespace/arc/agents\n");
});

test("no limit, no policy and off are three things", () => {
  const retention = (value: unknown) => policies({ retention: value })["retention"];
  assert.deepEqual(retention({ time: "unlimited", size: "unlimited" }), { retentionTimeInMinutes: -1, retentionSizeInMB: -1 });
  assert.deepEqual(retention("none"), { retentionTimeInMinutes: 0, retentionSizeInMB: 0 });
  assert.equal(retention(undefined), undefined);
  assert.match(body({ messageTtl: "unlimited" }), / messageTTL 0$/m);
  assert.match(body({ autoTopicCreation: "none" }), / autoTopicCreation \{"allowAutoTopicCreation":false\}$/m);
  assert.match(body({ inactiveTopics: "keep" }), /"deleteWhileInactive":false/);
});

test("a decimal size of retention is rounded up to whole MiB, so that it keeps no less than asked for", () => {
  assert.match(body({ retention: { time: "1h", size: "500MB" } }), /"retentionSizeInMB":477/);
});

test("an offload policy names every field, because Pulsar fills gaps from an earlier one", () => {
  assert.match(
    body({ offload: { thresholdAge: "1d" } }),
    / offloadPolicies \{"managedLedgerOffloadDriver":"filesystem","managedLedgerOffloadThresholdInBytes":-1,"managedLedgerOffloadThresholdInSeconds":86400,"managedLedgerOffloadDeletionLagInMillis":14400000\}/,
  );
});

test("a topic: partitions, and subscriptions by their path", () => {
  const { topics } = parse({
    topics: { "task-events": { partitions: 4, subscriptions: { workers: { position: "earliest" }, audit: {} } }, plain: {} },
  });
  assert.ok(topics["task-events"] && topics["plain"]);
  assert.deepEqual(topicProperties(topics["task-events"]), {
    partitions: 4,
    "subscription/workers": "earliest",
    "subscription/audit": "latest",
  });
  assert.deepEqual(topicProperties(topics["plain"]), { partitions: 0 });
});

test("all objects are one task, and each task of an earlier version is one that it takes over", () => {
  const declared = namespacesSchema.parse({
    "a-b/c": { topics: { d: {}, "d.e": {} } },
    "a/b-c": { topics: { d: {} } },
    "a/b": { messageTtl: "1d", topics: { "c.d": {}, "c-d": {} } },
  });
  const { body: text, earlier = [] } = namespacesTask("http://127.0.0.1:8080", declaredNamespaces(declared, FILESYSTEM_DRIVER));
  assert.deepEqual(
    text?.split("\n").filter((line) => !line.includes(" ")),
    [
      "namespace/a-b/c",
      "topic/a-b/c/d",
      "topic/a-b/c/d.e",
      "namespace/a/b-c",
      "topic/a/b-c/d",
      "namespace/a/b",
      "topic/a/b/c.d",
      "topic/a/b/c-d",
      "",
    ],
  );
  assert.match(text, /^namespace\/a\/b\nnamespace\/a\/b messageTTL 86400\ntopic\/a\/b\/c\.d\ntopic\/a\/b\/c\.d partitions 0$/m);
  assert.equal(new Set(earlier).size, earlier.length);
  assert.ok(["pulsar-namespace-a.b-c", "pulsar-topic-a-b.c.d.e"].every((name) => earlier.includes(name)));
});

const refusal = (declared: Record<string, unknown>, name = NAME) => {
  try {
    parseConfig({ pulsar: { tieredStorage: { thresholdAge: "1d" } }, namespaces: { [name]: declared } });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};
const both = (retention: unknown, backlogQuota: unknown) => refusal({ retention, backlogQuota });
const refusals: [string, string, RegExp][] = [
  ["a name without a tenant", refusal({}, "agents"), /namespaces\.agents: .*allowed: tenant\/namespace/],
  ["the broker's own tenant", refusal({}, "pulsar/system"), /allowed: tenant\/namespace, .*the tenant pulsar is the broker's own/],
  ["an unknown key", refusal({ ttl: "1d" }), /namespaces\.arc\/agents\.ttl: unknown key; allowed: the keys retention/],
  [
    "a single zero",
    refusal({ retention: { time: "0s", size: "1GiB" } }),
    /agents\.retention.*no retention at all is retention: none, because Pulsar refuses a zero in one dimension/,
  ],
  ["one dimension of retention", refusal({ retention: { time: "1d" } }), /agents\.retention.*allowed: \{ time, size \}/],
  ["half a minute", refusal({ subscriptionExpiration: "90s" }), /subscriptionExpiration: got "90s"; allowed: whole minutes/],
  ["half a second", refusal({ messageTtl: "1500ms" }), /messageTtl: got "1500ms"; allowed: whole seconds/],
  ["zero as no limit", refusal({ maxTopics: 0 }), /maxTopics: got 0; allowed: unlimited, or topics of the namespace/],
  [
    "a quota by size that equals retention",
    both({ time: "1d", size: "1GiB" }, { size: { limit: "1GiB" } }),
    /backlogQuota\.size\.limit: got "1GiB"; allowed: less than retention\.size; Pulsar refuses 1GiB with a retention of 1024MiB/,
  ],
  [
    "a quota by age that equals retention",
    both({ time: "1h", size: "unlimited" }, { time: { limit: "1h" } }),
    /backlogQuota\.time\.limit: got "1h"; allowed: less than retention\.time; 3600s of backlog outlive a retention of 60m/,
  ],
  [
    "a quota by age that Pulsar would compare with its default",
    both({ time: "1d", size: "1GiB" }, { time: { limit: "1h" } }),
    /backlogQuota\.size: not set; allowed: .* a size too/,
  ],
  ["an empty quota", refusal({ backlogQuota: {} }), /backlogQuota: got \{\}; allowed: size, time or both/],
  [
    "an unknown quota policy",
    refusal({ backlogQuota: { size: { limit: "1GiB", policy: "drop" } } }),
    /policy: got "drop"; allowed: producer_request_hold/,
  ],
  ["an offload without a threshold", refusal({ offload: {} }), /offload: got \{\}; allowed: thresholdSize, thresholdAge or both/],
  ["a rate without a limit", refusal({ publishRate: {} }), /publishRate: got \{\}; allowed: messages, size or both/],
  [
    "an unknown schema compatibility",
    refusal({ schemaCompatibility: "LOOSE" }),
    /schemaCompatibility: got "LOOSE"; allowed: ALWAYS_INCOMPATIBLE/,
  ],
  ["a role with a space", refusal({ permissions: { "a b": ["produce"] } }), /permissions\.a b: .*allowed: a role/],
  ["an unknown action", refusal({ permissions: { app: ["write"] } }), /permissions\.app\.0: got "write"; allowed: produce, consume/],
  ["a role without an action", refusal({ permissions: { app: [] } }), /permissions\.app: got \[\]; allowed: at least one action/],
  [
    "a name that Pulsar gives to partitions",
    refusal({ topics: { "a-partition-0": {} } }),
    /topics\.a-partition-0: .*not ending in -partition/,
  ],
  ["a negative number of partitions", refusal({ topics: { a: { partitions: -1 } } }), /topics\.a\.partitions: got -1; allowed: partitions/],
];
for (const [what, message, pattern] of refusals) test(`refused: ${what}`, () => assert.match(message, pattern));

test("all problems at once", () => {
  assert.match(
    refusal({ messageTtl: "soon", maxTopics: 0, retention: { time: "1h", size: "1GiB" }, backlogQuota: { size: { limit: "1GiB" } } }),
    /^3 problem\(s\)/,
  );
});

for (const [retention, backlogQuota] of [
  ["none", { size: { limit: "1TB" } }],
  [
    { time: "unlimited", size: "unlimited" },
    { size: { limit: "1TB" }, time: { limit: "30d" } },
  ],
  [
    { time: "1h", size: "1GiB" },
    { size: { limit: "1023MiB" }, time: { limit: "59m" } },
  ],
  [
    { time: "1h", size: "1GiB" },
    { size: { limit: "unlimited" }, time: { limit: "59m" } },
  ],
  [{ time: "1h", size: "unlimited" }, { time: { limit: "59m" } }],
] as const) {
  test(`allowed: ${JSON.stringify({ retention, backlogQuota })}`, () => assert.equal(both(retention, backlogQuota), ""));
}

test("consent names namespaces and topics", () => {
  assert.equal(parseConfig({ allowDataLoss: ["namespace/arc/agents", "topic/arc/agents/task.events"] }).allowDataLoss.length, 2);
  assert.throws(() => parseConfig({ allowDataLoss: ["namespace/arc"] }), /messaging:allowDataLoss\.0: got "namespace\/arc"; allowed/);
});

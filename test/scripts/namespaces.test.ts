import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type NamespaceConfig, namespacesSchema } from "../../config/namespaces";
import { FILESYSTEM_DRIVER, namespacePolicies, type OffloadDriver } from "../../render/namespaces";
import { declaredNamespaces, namespacesTask } from "../../tasks/namespaces";
import { HostShell, type Outcome, type Userland, USERLANDS, type Verb } from "../support/host-shell";
import { PulsarServer } from "../support/pulsar-server";
import { eventually, freePorts } from "../support/temporary";

const UNREADY = join(__dirname, "../support/unready.mjs");

type Declared = Record<string, unknown>;

let pulsar: PulsarServer;
before(async () => {
  // A broker's defaults: a size quota of 10 GB, which it compares with retention whenever a quota by age is set alone.
  pulsar = await PulsarServer.start({ backlogQuotaDefaultLimitGB: 10, webSocketServiceEnabled: true });
});
after(async () => pulsar.stop());

/** What a config declares, by namespace. */
type Config = ReadonlyMap<string, Declared>;

/**
 * A host whose task talks to the server, and a tenant of its own. Its config changes as a user's does, a namespace or a topic at a time: one that was applied
 * stays declared.
 */
class Admin {
  readonly host: HostShell;
  readonly #adminUrl: string;
  #config: Config = new Map();

  constructor(
    userland: Userland,
    readonly tenant: string,
    adminUrl = pulsar.adminUrl,
  ) {
    this.host = new HostShell(userland);
    this.#adminUrl = adminUrl;
    this.host.installArtifact("gojq", true);
  }

  /** Runs a verb on a config in which a namespace is declared so. */
  namespace(verb: Verb, name: string, declared: Declared, offloadDriver?: OffloadDriver): Outcome {
    const topics = this.#config.get(name)?.["topics"];
    return this.#run(verb, new Map(this.#config).set(name, { ...declared, ...(topics === undefined ? {} : { topics }) }), offloadDriver);
  }

  /** Runs a verb on a config in which a topic is declared so. */
  topic(verb: Verb, namespace: string, topic: string, declared: Declared = {}): Outcome {
    return this.#run(
      verb,
      this.#withTopics(namespace, (topics) => ({ ...topics, [topic]: declared })),
    );
  }

  /** Runs a verb on a config without a namespace. */
  withoutNamespace(verb: Verb, name: string): Outcome {
    const config = new Map(this.#config);
    config.delete(name);
    return this.#run(verb, config);
  }

  /** Runs a verb on a config without a topic. */
  withoutTopic(verb: Verb, namespace: string, topic: string): Outcome {
    return this.#run(
      verb,
      this.#withTopics(namespace, (topics) => Object.fromEntries(Object.entries(topics).filter(([name]) => name !== topic))),
    );
  }

  /** Applies a config without a namespace, and does not wait. */
  startWithoutNamespace(name: string): void {
    const config = new Map(this.#config);
    config.delete(name);
    const { script, inputs, body } = this.#task(config);
    this.host.start("apply", script, inputs, body);
  }

  /** Runs a verb on the config as it is: `remove` is what destroy does. */
  all(verb: Verb): Outcome {
    return this.#run(verb, this.#config);
  }

  consent(...objects: string[]): void {
    succeed(this.host.task("apply", "allow-data-loss", {}, objects.map((object) => `${object}\n`).join("")));
  }

  /** A document of the admin API. @param path below `/admin/v2` */
  async get(path: string): Promise<unknown> {
    const { status, text } = await pulsar.admin("GET", path);
    return status === 200 ? (JSON.parse(text) as unknown) : status;
  }

  /** The document of a namespace. */
  async policies(name: string): Promise<Record<string, unknown>> {
    return (await this.get(`namespaces/${this.tenant}/${name}`)) as Record<string, unknown>;
  }

  #withTopics(namespace: string, change: (topics: Declared) => Declared): Config {
    const declared = this.#config.get(namespace) ?? {};
    return new Map(this.#config).set(namespace, { ...declared, topics: change((declared["topics"] ?? {}) as Declared) });
  }

  #task(config: Config, offloadDriver: OffloadDriver = FILESYSTEM_DRIVER) {
    const names = Object.fromEntries([...config].map(([name, declared]) => [`${this.tenant}/${name}`, declared]));
    const { name, script, inputs, body } = namespacesTask(this.#adminUrl, declaredNamespaces(namespacesSchema.parse(names), offloadDriver));
    return { script, inputs: { RESOURCE: name, ...(inputs as Record<string, string>) }, body };
  }

  #run(verb: Verb, config: Config, offloadDriver?: OffloadDriver): Outcome {
    const { script, inputs, body } = this.#task(config, offloadDriver);
    const outcome = this.host.task(verb, script, inputs, body);
    if (verb === "apply" && outcome.status === 0) this.#config = config;
    return outcome;
  }
}

function parsed(name: string, declared: Declared): Record<string, NamespaceConfig> {
  return namespacesSchema.parse({ [name]: declared });
}

function retentionOf(declared: Declared): Retention | undefined {
  const config = parsed("any/name", declared)["any/name"];
  assert.ok(config);
  return (namespacePolicies(config, FILESYSTEM_DRIVER) as { retention?: Retention }).retention;
}

function succeed(outcome: Outcome, pattern = /^/): void {
  assert.equal(outcome.status, 0, outcome.stdout + outcome.stderr);
  assert.match(outcome.stdout, pattern);
}

function refused(outcome: Outcome, pattern: RegExp): void {
  assert.equal(outcome.status, 1, outcome.stdout);
  assert.match(outcome.stderr, pattern);
}

/** Every policy that a config can write. */
const EVERYTHING = {
  retention: { time: "7d", size: "10GiB" },
  backlogQuota: { size: { limit: "5GiB" }, time: { limit: "3d", policy: "consumer_backlog_eviction" } },
  messageTtl: "3d",
  offload: { thresholdSize: "1GiB", thresholdAge: "1d", deletionLag: "1h" },
  deduplication: true,
  dispatchRate: { messages: 1000, size: "1MiB" },
  subscriptionDispatchRate: { messages: 500, period: "10s", relativeToPublishRate: true },
  publishRate: { messages: 2000 },
  subscribeRate: { perConsumer: 10 },
  maxTopics: 100,
  maxProducersPerTopic: 10,
  maxConsumersPerTopic: 11,
  maxConsumersPerSubscription: 12,
  maxSubscriptionsPerTopic: 13,
  maxUnackedMessagesPerConsumer: 14,
  maxUnackedMessagesPerSubscription: "unlimited",
  schemaCompatibility: "FORWARD",
  schemaValidationEnforced: true,
  autoSchemaUpdate: false,
  autoTopicCreation: { partitions: 2 },
  autoSubscriptionCreation: false,
  inactiveTopics: { delete: "when_subscriptions_caught_up", after: "10m" },
  subscriptionExpiration: "1d",
  permissions: { app: ["produce", "consume"], reader: ["consume"] },
};

/** Retention and quotas whose changes into each other cross Pulsar's rule in every direction. */
const MIXES: Declared[] = [
  {},
  { retention: "none", backlogQuota: { size: { limit: "20GiB" } } },
  { retention: { time: "1h", size: "100MiB" }, backlogQuota: { size: { limit: "50MiB" } } },
  { retention: { time: "30m", size: "200MiB" }, backlogQuota: { size: { limit: "150MiB" }, time: { limit: "20m" } } },
  { retention: { time: "2h", size: "10MiB" }, backlogQuota: { size: { limit: "9MiB", policy: "producer_exception" } } },
  { retention: { time: "unlimited", size: "unlimited" }, backlogQuota: { size: { limit: "1TB" }, time: { limit: "30d" } } },
  { retention: { time: "10m", size: "unlimited" }, backlogQuota: { time: { limit: "9m" } } },
  { retention: { time: "1d", size: "1GiB" }, backlogQuota: { size: { limit: "unlimited" }, time: { limit: "1h" } } },
];

type Retention = Record<"retentionTimeInMinutes" | "retentionSizeInMB", number>;

/** What a retention keeps in each dimension, as a number that can be compared. */
function keeps(retention: Retention | undefined): [number, number] {
  const { retentionTimeInMinutes: minutes, retentionSizeInMB: mebibytes } = retention ?? {
    retentionTimeInMinutes: 0,
    retentionSizeInMB: 0,
  };
  return [minutes < 0 ? Infinity : minutes, mebibytes < 0 ? Infinity : mebibytes];
}

for (const [index, userland] of USERLANDS.filter(({ name }) => /^(dash with the|ash )/.test(name)).entries()) {
  describe(`Pulsar namespaces, ${userland.name}`, { timeout: 300_000 }, () => {
    let admin: Admin;
    before(() => (admin = new Admin(userland, `t${index}`)));
    after(() => admin.host.dispose());
    const tenant = `t${index}`;

    test("a tenant is created once, with its first namespace", async () => {
      succeed(admin.namespace("apply", "first", {}), new RegExp(`^PUT tenants/${tenant}`));
      succeed(admin.namespace("apply", "first", {}), /^unchanged$/m);
      assert.deepEqual(await admin.get(`tenants/${tenant}`), { adminRoles: [], allowedClusters: ["standalone"] });
    });

    test("every policy is created, unchanged the second time, and unset when it is not written any more", async () => {
      succeed(admin.namespace("apply", "all", {}), /PUT/);
      const bare = await admin.policies("all");
      assert.deepEqual(bare["properties"], { "managed-by": "messaging/test" });
      for (const name of ["all", "new"]) {
        succeed(admin.namespace("apply", name, EVERYTHING));
        succeed(admin.namespace("apply", name, EVERYTHING), /^unchanged$/m);
      }
      assert.deepEqual(await admin.policies("new"), await admin.policies("all"));
      for (const name of ["all", "new"]) {
        succeed(admin.namespace("apply", name, {}));
        succeed(admin.namespace("apply", name, {}), /^unchanged$/m);
        assert.deepEqual(await admin.policies(name), bare);
      }
    });

    test("what another hand changed, revoked or deleted is seen and repaired; what nobody declared is not looked at", async () => {
      const declared = { retention: { time: "1d", size: "1GiB" }, deduplication: true, permissions: { app: ["consume"] } };
      const path = `namespaces/${tenant}/drift`;
      succeed(admin.namespace("apply", "drift", declared));
      await pulsar.admin("POST", `${path}/maxTopicsPerNamespace`, 7);
      await pulsar.admin("POST", `${path}/permissions/other`, ["produce"]);
      assert.equal(admin.namespace("differences", "drift", declared).stdout, "");
      await pulsar.admin("POST", `${path}/retention`, { retentionTimeInMinutes: 77, retentionSizeInMB: 1024 });
      await pulsar.admin("DELETE", `${path}/deduplication`);
      await pulsar.admin("DELETE", `${path}/permissions/app`);
      const object = `namespace/${tenant}/drift`;
      assert.equal(
        admin.namespace("differences", "drift", declared).stdout,
        [
          `expected: ${object} deduplication true`,
          `expected: ${object} permissions/app ["consume"]`,
          `expected: ${object} retention {"retentionSizeInMB":1024,"retentionTimeInMinutes":1440}`,
          `found:    ${object} deduplication unset`,
          `found:    ${object} permissions/app unset`,
          `found:    ${object} retention {"retentionSizeInMB":1024,"retentionTimeInMinutes":77}`,
          "",
        ].join("\n"),
      );
      succeed(admin.namespace("apply", "drift", declared));
      const { max_topics_per_namespace: untouched, auth_policies: permissions } = await admin.policies("drift");
      assert.equal(untouched, 7);
      assert.deepEqual((permissions as Declared)["namespace_auth"], { app: ["consume"], other: ["produce"] });
      await pulsar.admin("DELETE", path);
      assert.match(admin.namespace("differences", "drift", declared).stdout, new RegExp(`found: {4}${object} absent`));
      succeed(admin.namespace("apply", "drift", declared), /PUT/);
    });

    test("a run that was cut off leaves nothing behind that nobody remembers", async () => {
      succeed(admin.namespace("apply", "cut", { messageTtl: "1d" }));
      refused(
        admin.namespace("apply", "cut", { deduplication: true, offload: { thresholdAge: "1d" } }, { managedLedgerOffloadDriver: "none" }),
        /driver/,
      );
      assert.equal((await admin.policies("cut"))["deduplicationEnabled"], true);
      succeed(admin.namespace("apply", "cut", { messageTtl: "2d" }), /DELETE .*deduplication/);
      const { deduplicationEnabled, message_ttl_in_seconds: ttl } = await admin.policies("cut");
      assert.deepEqual([deduplicationEnabled, ttl], [undefined, 172_800]);
    });

    test("a retention that another hand's quota contradicts is refused with both numbers", async () => {
      succeed(admin.namespace("apply", "other-quota", {}));
      const quota = { limitSize: 2 ** 30, limitTime: -1, policy: "producer_exception" };
      await pulsar.admin("POST", `namespaces/${tenant}/other-quota/backlogQuota?backlogQuotaType=destination_storage`, quota);
      const declared = { retention: { time: "1d", size: "1GiB" } };
      refused(
        admin.namespace("apply", "other-quota", declared),
        /retention of 1024 MiB must be above the backlog quota of 1073741824 bytes/,
      );
      succeed(admin.namespace("apply", "other-quota", { retention: { time: "1d", size: "2GiB" } }));
    });

    test("what would delete stored messages is refused with topics and bytes, in preview and in apply, unless it is allowed", async () => {
      const kept = { retention: { time: "1d", size: "1GiB" } };
      succeed(admin.namespace("apply", "data", kept));
      for (const topic of ["read", "waiting"]) succeed(admin.topic("apply", "data", topic));
      await pulsar.produce(`${tenant}/data/read`, 8, 300_000);
      await pulsar.produce(`${tenant}/data/waiting`, 4, 1000);
      await pulsar.admin("PUT", `persistent/${tenant}/data/waiting/subscription/slow`, { ledgerId: -1, entryId: -1, partitionIndex: -1 });
      for (const declared of [{}, { retention: { time: "1h", size: "100MiB" } }, { ...kept, messageTtl: "1d" }]) {
        assert.equal(admin.namespace("refusals", "data", { ...kept, ...declared }).stdout, "");
      }
      const read = `\\d+ bytes of acknowledged messages in persistent://${tenant}/data/read`;
      const waiting = `messages that wait for delivery \\(4\\) in persistent://${tenant}/data/waiting`;
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const losing: [Declared, string][] = [
        [{ retention: "none" }, read],
        [{ retention: { time: "1d", size: "1MiB" } }, read],
        [{ ...kept, messageTtl: "1s" }, waiting],
        [{ ...kept, backlogQuota: { size: { limit: "1kB", policy: "consumer_backlog_eviction" } } }, waiting],
        [{}, read],
      ];
      for (const [declared, reason] of losing) {
        const pattern = new RegExp(
          `^namespace/${tenant}/data: the change deletes .*${reason}.*add "namespace/${tenant}/data" to messaging:allowDataLoss`,
          "m",
        );
        assert.match(admin.namespace("refusals", "data", declared).stdout, pattern);
        refused(admin.namespace("apply", "data", declared), pattern);
        assert.deepEqual((await admin.policies("data"))["retention_policies"], { retentionSizeInMB: 1024, retentionTimeInMinutes: 1440 });
      }
      admin.consent(`namespace/${tenant}/data`);
      succeed(admin.namespace("apply", "data", { retention: { time: "1d", size: "1MiB" } }));
      admin.consent();
    });

    test("topics: created with partitions and subscriptions, grown, never shrunk or divided", async () => {
      succeed(admin.topic("apply", "all", "events", { partitions: 2, subscriptions: { workers: { position: "earliest" } } }));
      succeed(
        admin.topic("apply", "all", "events", { partitions: 2, subscriptions: { workers: { position: "earliest" } } }),
        /^unchanged$/m,
      );
      succeed(admin.topic("apply", "all", "events", { partitions: 3, subscriptions: { workers: {} } }), /POST .*partitions 3/);
      refused(admin.topic("apply", "all", "events", { partitions: 1 }), /has 3 partitions, 1 are asked for/);
      succeed(admin.topic("apply", "all", "plain"));
      refused(admin.topic("apply", "all", "plain", { partitions: 2 }), /exists without partitions, 2 are asked for/);
      assert.equal(admin.topic("differences", "all", "events", { partitions: 3, subscriptions: { workers: {} } }).stdout, "");
      await pulsar.admin("DELETE", `persistent/${tenant}/all/events/subscription/workers`);
      assert.match(
        admin.topic("differences", "all", "events", { partitions: 3, subscriptions: { workers: {} } }).stdout,
        /found: {4}topic\/t\d\/all\/events subscription\/workers absent/,
      );
      succeed(admin.topic("apply", "all", "events", { partitions: 3, subscriptions: { workers: {} } }), /subscription\/workers/);
    });

    test("a subscription with messages and a topic with messages go only with consent; what others created stays", async () => {
      succeed(admin.topic("apply", "all", "plain", { subscriptions: { workers: {} } }));
      await pulsar.produce(`${tenant}/all/plain`, 3, 100);
      refused(admin.topic("apply", "all", "plain"), /subscription workers is not declared any more and has 3 messages to deliver/);
      assert.match(
        admin.withoutTopic("refusals", "all", "plain").stdout,
        /holds \d+ bytes.*add "topic\/t\d\/all\/plain" to messaging:allowDataLoss/,
      );
      succeed(admin.withoutTopic("apply", "all", "plain"), /kept with \d+ bytes/);
      succeed(admin.topic("apply", "all", "plain", { subscriptions: { workers: {} } }));
      await pulsar.admin("PUT", `persistent/${tenant}/all/theirs`);
      succeed(admin.topic("apply", "all", "theirs"), /^unchanged$/m);
      admin.consent(`namespace/${tenant}/all`);
      assert.equal(admin.withoutTopic("refusals", "all", "plain").stdout, "");
      succeed(admin.withoutTopic("apply", "all", "plain"), /topic\/t\d\/all\/plain deleted/);
      for (const _ of [1, 2]) assert.equal(admin.withoutTopic("apply", "all", "plain").stdout, "unchanged\n");
      succeed(admin.withoutTopic("apply", "all", "theirs"), /kept: this stack did not create it/);
      admin.consent();
    });

    test("a namespace with topics is kept without consent, deleted with it; its tenant when it is empty; neighbours stay", async () => {
      await pulsar.admin("PUT", `namespaces/${tenant}/neighbour`);
      succeed(admin.namespace("apply", "neighbour", {}));
      const object = `namespace/${tenant}/all`;
      const wouldLose = new RegExp(`not declared any more and holds persistent://${tenant}/all/.* bytes.*add "${object}"`);
      assert.match(admin.withoutNamespace("refusals", "all").stdout, wouldLose);
      assert.match(admin.all("refusals_of_removal").stdout, wouldLose);
      succeed(admin.withoutNamespace("apply", "all"), /topic\/t\d\/all\/events deleted\nnamespace\/t\d\/all kept with 1 topics/);
      succeed(admin.namespace("apply", "all", {}), /^PUT|unchanged/);
      succeed(admin.withoutNamespace("apply", "neighbour"), /kept: this stack did not create it/);
      succeed(admin.withoutNamespace("apply", "new"), /namespace\/t\d\/new deleted/);
      admin.consent(object);
      assert.equal(admin.withoutNamespace("refusals", "all").stdout, "");
      succeed(admin.withoutNamespace("apply", "all"), /deleted with its topics/);
      succeed(admin.withoutNamespace("apply", "all"), /^unchanged$/m);
      assert.deepEqual(await admin.get("brokers/configuration/values"), {});
      for (const _ of [1, 2]) succeed(admin.all("remove"), new RegExp(`tenant/${tenant} kept: it has namespaces`));
      assert.deepEqual(await admin.get(`namespaces/${tenant}`), [`${tenant}/data`, `${tenant}/neighbour`]);
    });

    test("a tenant of another hand stays, one of ours goes when it is empty", async () => {
      const theirs = new Admin(userland, `theirs${index}`);
      await pulsar.admin("PUT", `tenants/${theirs.tenant}`, { adminRoles: [], allowedClusters: ["standalone"] });
      assert.doesNotMatch(theirs.namespace("apply", "one", {}).stdout, /PUT tenants/);
      succeed(theirs.all("remove"), /tenant\/theirs\d kept: this stack did not create it/);
      theirs.host.dispose();
      const ours = new Admin(userland, `ours${index}`);
      succeed(ours.namespace("apply", "one", {}));
      succeed(ours.all("remove"), /^namespace\/ours\d\/one deleted\ntenant\/ours\d deleted$/m);
      succeed(ours.all("remove"), /tenant\/ours\d kept: this stack did not create it/);
      ours.host.dispose();
    });

    test("a namespace of another stack is refused, and a server that does not answer is no obstacle to removing", async () => {
      await pulsar.admin("PUT", `namespaces/${tenant}/theirs`, { properties: { "managed-by": "messaging/other" } });
      refused(admin.namespace("apply", "theirs", { deduplication: true }), /belongs to stack messaging\/other/);
      const gone = new Admin(userland, tenant, "http://127.0.0.1:1");
      const [removed, applied] = [gone.topic("remove", "any", "topic"), gone.namespace("apply", "any", {})];
      succeed(removed, /^topic\/t\d\/any\/topic kept as it is: .* does not answer$/m);
      refused(applied, /does not answer/);
      assert.match(gone.namespace("differences", "any", {}).stderr, /does not answer/);
      gone.host.dispose();
    });

    test("what one namespace fails at is said, and the others become as they are declared", async () => {
      const many = new Admin(userland, `many${index}`);
      for (const name of ["one", "two"]) succeed(many.namespace("apply", name, { messageTtl: "1d", topics: { events: {} } }));
      await pulsar.admin("PUT", `namespaces/${many.tenant}/theirs`, { properties: { "managed-by": "messaging/other" } });
      const declared = namespacesSchema.parse({
        [`${many.tenant}/one`]: { messageTtl: "2d", offload: { thresholdAge: "1d" }, topics: { events: {}, more: {} } },
        [`${many.tenant}/theirs`]: { messageTtl: "2d", topics: { events: {} } },
        [`${many.tenant}/two`]: { messageTtl: "2d", deduplication: true, topics: { events: { partitions: 3 }, more: {} } },
      });
      const { script, inputs, body } = namespacesTask(
        pulsar.adminUrl,
        declaredNamespaces(declared, { managedLedgerOffloadDriver: "none" }),
      );
      const outcome = many.host.task("apply", script, { RESOURCE: "pulsar-namespaces", ...(inputs as Record<string, string>) }, body);
      const [first, ...lines] = outcome.stderr.trim().split("\n");
      assert.equal(first, "these are not as declared, everything else is:");
      assert.deepEqual(
        lines.map((line) => /^(\S+?):? (.*)$/.exec(line)?.slice(1, 2)[0]),
        [`namespace/${many.tenant}/one`, `namespace/${many.tenant}/theirs`, `topic/${many.tenant}/two/events`],
        outcome.stderr,
      );
      assert.match(outcome.stderr, /one: Pulsar answers 412 to POST \S+offloadPolicies .*driver/);
      assert.match(outcome.stderr, /theirs: it belongs to stack messaging\/other/);
      assert.match(outcome.stderr, /events exists without partitions, 3 are asked for/);
      assert.equal((await many.policies("theirs"))["message_ttl_in_seconds"], undefined);
      assert.deepEqual(await many.get(`persistent/${many.tenant}/theirs`), []);
      const two = await many.policies("two");
      assert.deepEqual([two["message_ttl_in_seconds"], two["deduplicationEnabled"]], [172_800, true]);
      const topics = [...((await many.get(`persistent/${many.tenant}/two`)) as string[])];
      assert.deepEqual(topics.map((topic) => topic.split("/").at(-1)).sort(), ["events", "more"]);
      many.host.dispose();
    });

    test("what a task for each namespace and topic applied is taken over: unset, kept and deleted as if it had always been one", async () => {
      const earlier = new Admin(userland, `earlier${index}`);
      const ledger = join(earlier.host.prefix, "var/lib/messaging/ledger/messaging/test");
      const applied = (resource: string, inputs: Declared, body: Declared) => {
        mkdirSync(join(ledger, resource), { recursive: true });
        const lines = Object.entries(inputs).map(([key, value]) => `${key}=${String(value)}\n`);
        writeFileSync(join(ledger, resource, "inputs"), `${lines.join("")}\n${JSON.stringify(body)}\n`);
        writeFileSync(join(ledger, resource, "applied"), "2026-01-01T00:00:00Z\n");
      };
      const mark = (name: string) => {
        mkdirSync(join(ledger, "made"), { recursive: true });
        writeFileSync(join(ledger, "made", name), "");
      };
      await pulsar.admin("PUT", `tenants/${earlier.tenant}`, { adminRoles: [], allowedClusters: ["standalone"] });
      mark(`pulsar-tenant-${earlier.tenant}`);
      for (const name of ["declared", "empty", "full"]) {
        const properties = { "managed-by": "messaging/test" };
        await pulsar.admin("PUT", `namespaces/${earlier.tenant}/${name}`, {
          properties,
          message_ttl_in_seconds: 60,
          max_producers_per_topic: 5,
        });
        applied(
          `pulsar-namespace-${earlier.tenant}.${name}`,
          { TASK: "pulsar-namespace", ADMIN_URL: pulsar.adminUrl, NAMESPACE: `${earlier.tenant}/${name}` },
          { messageTTL: 60, maxProducersPerTopic: 5 },
        );
      }
      for (const name of ["declared", "full"]) {
        await pulsar.admin("PUT", `persistent/${earlier.tenant}/${name}/events`);
        mark(`pulsar-topic-${earlier.tenant}.${name}.events`);
        const inputs = { TASK: "pulsar-topic", ADMIN_URL: pulsar.adminUrl, NAMESPACE: `${earlier.tenant}/${name}`, TOPIC: "events" };
        applied(`pulsar-topic-${earlier.tenant}.${name}.events`, inputs, { partitions: 0 });
      }
      await pulsar.produce(`${earlier.tenant}/full/events`, 2, 100);
      const outcome = earlier.namespace("apply", "declared", { messageTtl: "1m", topics: { events: {} } });
      succeed(outcome, /DELETE namespaces\/earlier\d\/declared\/maxProducersPerTopic$/m);
      succeed(outcome, /topic\/earlier\d\/full\/events kept with \d+ bytes$/m);
      succeed(outcome, /namespace\/earlier\d\/empty deleted$/m);
      succeed(outcome, /namespace\/earlier\d\/full kept with 1 topics$/m);
      for (const resource of ["namespace", "topic"]) {
        const task = `pulsar-${resource}`;
        succeed(
          earlier.host.task("remove", task, { RESOURCE: `${task}-${earlier.tenant}.declared` }),
          /left to the task that took it over/,
        );
      }
      assert.deepEqual(await earlier.get(`persistent/${earlier.tenant}/declared`), [`persistent://${earlier.tenant}/declared/events`]);
      earlier.consent(`namespace/${earlier.tenant}/declared`);
      succeed(
        earlier.all("remove"),
        /topic\/earlier\d\/declared\/events deleted\n[^]*namespace\/earlier\d\/declared deleted\n[^]*tenant\/earlier\d kept/,
      );
      earlier.host.dispose();
    });
  });
}

/** A walk through all ordered pairs of `count` things. */
function* walk(count: number): Generator<number> {
  for (let one = 0; one < count; one++) {
    for (let other = one + 1; other < count; other++) {
      yield one;
      yield other;
    }
    yield one;
  }
}

test("retention and quotas change into each other in one apply, and keep what both ends keep at every step", { timeout: 120_000 }, () => {
  const [userland] = USERLANDS;
  assert.ok(userland);
  const admin = new Admin(userland, "mix");
  let old: Declared = {};
  for (const next of [...walk(MIXES.length)].map((index) => MIXES[index] ?? {})) {
    const outcome = admin.namespace("apply", "mix", next);
    const change = `${JSON.stringify(old)} -> ${JSON.stringify(next)}: ${outcome.stdout}${outcome.stderr}`;
    assert.equal(outcome.status, 0, change);
    const ends = [old, next].map((declared) => keeps(retentionOf(declared)));
    for (const [, json = "{}"] of outcome.stdout.matchAll(/^POST \S+\/retention (.*)$/gm)) {
      for (const [dimension, kept] of keeps(JSON.parse(json) as Retention).entries()) {
        assert.ok(kept >= Math.min(...ends.map((end) => end[dimension] ?? NaN)), change);
      }
    }
    old = next;
  }
  admin.host.dispose();
});

test("a namespace that a killed broker left half deleted is deleted to the end by the next run", { timeout: 300_000 }, async () => {
  const [userland] = USERLANDS;
  assert.ok(userland);
  const admin = new Admin(userland, "half");
  succeed(admin.namespace("apply", "deleted", {}));
  // Not declared, so that it goes with its namespace and not before it.
  await pulsar.admin("PUT", "persistent/half/deleted/many/partitions", 100);
  admin.consent("namespace/half/deleted");
  admin.startWithoutNamespace("deleted");
  await eventually("the deletion has begun", 10, async () => (await admin.policies("deleted"))["deleted"] === true);
  await pulsar.restart();
  admin.consent();
  assert.equal((await admin.policies("deleted"))["deleted"], true);
  assert.match(
    admin.namespace("differences", "deleted", { deduplication: true }).stdout,
    /found: {4}namespace\/half\/deleted half deleted/,
  );
  refused(admin.namespace("apply", "deleted", { deduplication: true }), /half deleted.* topics.*add "namespace\/half\/deleted"/);
  succeed(admin.withoutNamespace("apply", "deleted"), /deleted/);
  assert.equal(await admin.get("namespaces/half/deleted"), 404);
  succeed(admin.namespace("apply", "deleted", { deduplication: true }), /PUT/);
  admin.host.dispose();
});

test("what a broker is not ready for is asked again", { timeout: 60_000 }, async () => {
  const [userland] = USERLANDS;
  assert.ok(userland);
  const [port] = await freePorts(1);
  const proxy = spawn(process.execPath, [UNREADY, String(port), pulsar.adminUrl], { stdio: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  const admin = new Admin(userland, "unready", url);
  try {
    await eventually("the proxy answers", 10, () =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    );
    // What is asked and the tenant, the namespace and the topic are refused once each.
    assert.doesNotMatch(admin.namespace("differences", "first", { topics: { events: {} } }).stdout, /cannot be read/);
    succeed(admin.namespace("apply", "first", { topics: { events: {} } }), /PUT persistent\/unready\/first\/events/);
    succeed(admin.all("apply"), /^unchanged$/m);
  } finally {
    proxy.kill();
    admin.host.dispose();
  }
});

test("what a producer sends again is stored once, before and after a power failure", { timeout: 300_000 }, async () => {
  const [userland] = USERLANDS;
  assert.ok(userland);
  const admin = new Admin(userland, "once");
  const stored = async (topic: string) =>
    ((await admin.get(`persistent/once/${topic}/internalStats`)) as { numberOfEntries: number }).numberOfEntries;
  for (const [name, deduplication, expected] of [
    ["twice", false, 6],
    ["exactly", true, 4],
  ] as const) {
    // Without retention what no subscription wants goes when its ledger is closed, at a restart at the latest.
    succeed(admin.namespace("apply", name, { deduplication, retention: { time: "1h", size: "100MB" }, topics: { events: {} } }));
    for (const [first, last] of [
      [0, 2],
      [1, 3],
    ] as const) {
      pulsar.publishNumbered(`once/${name}/events`, first, last);
    }
    assert.equal(await stored(`${name}/events`), expected, name);
  }
  await pulsar.restart();
  pulsar.publishNumbered("once/exactly/events", 2, 4);
  assert.equal((await pulsar.read("once/exactly/events", 5)).join(), [0, 1, 2, 3, 4].map((id) => `message ${id}`).join());
  assert.equal(await stored("exactly/events"), 5);
  admin.host.dispose();
});

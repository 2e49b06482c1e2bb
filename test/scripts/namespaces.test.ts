import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type NamespaceConfig, namespacesSchema } from "../../config/namespaces";
import { FILESYSTEM_DRIVER, namespacePolicies, type OffloadDriver } from "../../render/namespaces";
import { namespaceTasks } from "../../tasks/namespaces";
import { HostShell, type Outcome, type Userland, USERLANDS, type Verb } from "../support/host-shell";
import { PulsarServer } from "../support/pulsar-server";
import { eventually } from "../support/temporary";

type Declared = Record<string, unknown>;

let pulsar: PulsarServer;
before(async () => {
  // A broker's defaults: a size quota of 10 GB, which it compares with retention whenever a quota by age is set alone.
  pulsar = await PulsarServer.start({ backlogQuotaDefaultLimitGB: 10 });
});
after(async () => pulsar.stop());

/** A host whose tasks talk to the server, and a tenant of its own. */
class Admin {
  readonly host: HostShell;
  readonly #adminUrl: string;

  constructor(
    userland: Userland,
    readonly tenant: string,
    adminUrl = pulsar.adminUrl,
  ) {
    this.host = new HostShell(userland);
    this.#adminUrl = adminUrl;
    this.host.installArtifact("gojq", true);
  }

  /** Runs a verb on a namespace of the tenant as a config would declare it. */
  namespace(verb: Verb, name: string, declared: Declared, offloadDriver?: OffloadDriver): Outcome {
    return this.#run(verb, this.#tasks(name, declared, offloadDriver).namespace);
  }

  /** Starts to remove a namespace and does not wait. */
  startRemoval(name: string): void {
    const { script, inputs, name: resource } = this.#tasks(name, {}).namespace;
    this.host.start("remove", script, { RESOURCE: resource, ...(inputs as Record<string, string>) });
  }

  tenantTask(verb: Verb): Outcome {
    return this.#run(verb, this.#tasks("any", {}).tenant);
  }

  topic(verb: Verb, namespace: string, topic: string, declared: Declared = {}): Outcome {
    const [task] = this.#tasks(namespace, { topics: { [topic]: declared } }).topics;
    assert.ok(task);
    return this.#run(verb, task);
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

  #tasks(name: string, declared: Declared, offloadDriver: OffloadDriver = FILESYSTEM_DRIVER) {
    const [tasks] = namespaceTasks(this.#adminUrl, parsed(`${this.tenant}/${name}`, declared), offloadDriver);
    assert.ok(tasks);
    return tasks;
  }

  #run(verb: Verb, { name, script, inputs, body }: ReturnType<typeof namespaceTasks>[number]["namespace"]): Outcome {
    return this.host.task(verb, script, { RESOURCE: name, ...(inputs as Record<string, string>) }, body);
  }
}

function parsed(name: string, declared: Declared): Record<string, NamespaceConfig> {
  return namespacesSchema.parse({ [name]: declared });
}

function retentionOf(declared: Declared): Retention | undefined {
  const config = parsed("any/name", declared)["any/name"];
  assert.ok(config);
  return (JSON.parse(namespacePolicies(config, FILESYSTEM_DRIVER)) as { retention?: Retention }).retention;
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

    test("a tenant is created once", async () => {
      succeed(admin.tenantTask("apply"), /created/);
      succeed(admin.tenantTask("apply"), /^unchanged$/m);
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
        admin.topic("refusals_of_removal", "all", "plain").stdout,
        /holds \d+ bytes.*add "topic\/t\d\/all\/plain" to messaging:allowDataLoss/,
      );
      succeed(admin.topic("remove", "all", "plain"), /kept with \d+ bytes/);
      succeed(admin.topic("apply", "all", "plain", { subscriptions: { workers: {} } }));
      await pulsar.admin("PUT", `persistent/${tenant}/all/theirs`);
      succeed(admin.topic("apply", "all", "theirs"), /^unchanged$/m);
      admin.consent(`namespace/${tenant}/all`);
      assert.equal(admin.topic("refusals_of_removal", "all", "plain").stdout, "");
      succeed(admin.topic("remove", "all", "plain"), /deleted/);
      for (const _ of [1, 2]) assert.equal(admin.topic("remove", "all", "plain").stdout, "");
      succeed(admin.topic("remove", "all", "theirs"), /kept: this stack did not create it/);
      admin.consent();
    });

    test("a namespace with topics is kept without consent, deleted with it; its tenant when it is empty; neighbours stay", async () => {
      await pulsar.admin("PUT", `namespaces/${tenant}/neighbour`);
      const object = `namespace/${tenant}/all`;
      assert.match(
        admin.namespace("refusals_of_removal", "all", {}).stdout,
        new RegExp(`not declared any more and holds persistent://${tenant}/all/.* bytes.*add "${object}"`),
      );
      succeed(admin.namespace("remove", "all", {}), /kept with 4 topics/);
      succeed(admin.namespace("remove", "neighbour", {}), /kept: this stack did not create it/);
      succeed(admin.namespace("remove", "new", {}), /deleted/);
      admin.consent(object);
      assert.equal(admin.namespace("refusals_of_removal", "all", {}).stdout, "");
      succeed(admin.namespace("remove", "all", {}), /deleted with its topics/);
      succeed(admin.namespace("remove", "all", {}), /^$/);
      assert.deepEqual(await admin.get("brokers/configuration/values"), {});
      for (const _ of [1, 2]) succeed(admin.tenantTask("remove"), /kept: it has namespaces/);
      assert.ok(((await admin.get(`namespaces/${tenant}`)) as string[]).includes(`${tenant}/neighbour`));
    });

    test("a tenant of another hand stays, one of ours goes when it is empty", async () => {
      const theirs = new Admin(userland, `theirs${index}`);
      await pulsar.admin("PUT", `tenants/${theirs.tenant}`, { adminRoles: [], allowedClusters: ["standalone"] });
      succeed(theirs.tenantTask("apply"), /^unchanged$/m);
      succeed(theirs.tenantTask("remove"), /kept: this stack did not create it/);
      theirs.host.dispose();
      const ours = new Admin(userland, `ours${index}`);
      succeed(ours.tenantTask("apply"));
      succeed(ours.tenantTask("remove"), /deleted/);
      succeed(ours.tenantTask("remove"), /kept: this stack did not create it/);
      ours.host.dispose();
    });

    test("a namespace of another stack is refused, and a server that does not answer is no obstacle to removing", async () => {
      await pulsar.admin("PUT", `namespaces/${tenant}/theirs`, { properties: { "managed-by": "messaging/other" } });
      refused(admin.namespace("apply", "theirs", { deduplication: true }), /belongs to stack messaging\/other/);
      succeed(admin.namespace("remove", "theirs", {}), /kept: this stack did not create it/);
      const gone = new Admin(userland, tenant, "http://127.0.0.1:1");
      for (const outcome of [gone.tenantTask("remove"), gone.namespace("remove", "all", {}), gone.topic("remove", "all", "plain")]) {
        succeed(outcome, /left as it is: .* does not answer/);
      }
      assert.match(gone.namespace("differences", "all", {}).stderr, /does not answer/);
      gone.host.dispose();
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
  succeed(admin.tenantTask("apply"));
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
  succeed(admin.tenantTask("apply"));
  succeed(admin.namespace("apply", "deleted", {}));
  succeed(admin.topic("apply", "deleted", "many", { partitions: 100 }));
  admin.consent("namespace/half/deleted");
  admin.startRemoval("deleted");
  await eventually("the deletion has begun", 10, async () => (await admin.policies("deleted"))["deleted"] === true);
  await pulsar.restart();
  admin.consent();
  assert.equal((await admin.policies("deleted"))["deleted"], true);
  assert.match(
    admin.namespace("differences", "deleted", { deduplication: true }).stdout,
    /found: {4}namespace\/half\/deleted half deleted/,
  );
  refused(admin.namespace("apply", "deleted", { deduplication: true }), /half deleted.* topics.*add "namespace\/half\/deleted"/);
  succeed(admin.namespace("remove", "deleted", {}), /deleted/);
  assert.equal(await admin.get("namespaces/half/deleted"), 404);
  succeed(admin.namespace("apply", "deleted", { deduplication: true }), /PUT/);
  admin.host.dispose();
});

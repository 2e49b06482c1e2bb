import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { supportedVersionsAt } from "../../policies/artefacts";
import { chosenSettings } from "../../policies/choice";
import { policies } from "../../policies/policies";
import { formatBytes, formatDuration } from "../../policies/units";
import { fixtures } from "./fixtures";
import { judge, names, type Tree } from "./judge";

const MIB = 2 ** 20;
const SHA256 = "6abc397684567e133649688a13564ad6de786d64e88253fbb4f6a3aa8c2fca63";

const host = (props: Record<string, unknown>, ...children: Tree[]): Tree[] => [
  { type: "messaging:index:Host", name: "local", props, children },
];
const component = (type: string, props: Record<string, unknown>, ...children: Tree[]): Tree => ({
  type: `messaging:index:${type}`,
  name: `local-${type}`,
  props,
  children,
});
const container = (props: Record<string, unknown>): Tree => ({ type: "docker:index/container:Container", name: "box", props });
const nats = (props: Record<string, unknown>) => host({}, component("NatsJetStream", props));
const stream = (props: Record<string, unknown>, server: Record<string, unknown> = {}) => nats({ ...server, streams: { jobs: props } });
const namespace = (props: Record<string, unknown>) => host({}, component("Namespace", { name: "arc/agents", ...props }));
const command = (stdin: string, props: Record<string, unknown> = {}): Tree[] => [
  { type: "command:local:Command", name: "local-task", props: { create: "/srv/task.sh apply", stdin, ...props } },
];
const artefact = (version: string, source: string, name = "nats-server") =>
  command(`TASK=artifact\nNAME=${name}\nVERSION=${version}\n\n${source}`);
const remote = (connection: Record<string, unknown> | undefined): Tree[] => [
  { type: "command:remote:Command", name: "edge-task", props: { create: "true", ...(connection && { connection }) } },
];

/** Stacks that a policy refuses, passes and has nothing to go by for; how many violations each has. */
interface Case {
  readonly fail: readonly (readonly [violations: number, stack: Tree[]])[];
  readonly pass: readonly Tree[][];
  /** What the policy reads is not there. */
  readonly absent: readonly (readonly [violations: number, stack: Tree[]])[];
}

/** As the engine hands over what is not known before the up. */
const unknown = (key: string) =>
  Object.defineProperty({}, key, {
    enumerable: true,
    get: () => {
      throw new Error("can't be known during preview");
    },
  }) as Record<string, unknown>;

const disk = (sizeBytes: number, ...children: Tree[]) =>
  host(
    {
      fileSystems: [
        { mount: "/", sizeBytes: 1e12 },
        { mount: "/srv", sizeBytes },
      ],
    },
    ...children,
  );
const ledgers = { dataDirectory: "/srv/pulsar", offloadDirectory: "/srv/offload" };

const cases: Record<string, Case> = {
  "ram-figures": {
    fail: [
      [1, host({}, component("NatsJetStream", { memoryBytes: 2 * MIB, memory: { process: MIB } }))],
      [1, host({}, component("NatsJetStream", { memoryBytes: 500 * MIB }, container({ memory: 600 })))],
      [1, host({}, component("NatsJetStream", { memoryBytes: 500 * MIB }, container({})))],
    ],
    pass: [
      host({}, component("NatsJetStream", { memoryBytes: 500_000_000 }, container({ memory: 476 }))),
      host({}, component("Namespace", { memoryBytes: 0 })),
    ],
    absent: [
      [1, host({}, component("NatsJetStream", {}))],
      [1, host({}, component("NatsJetStream", unknown("memoryBytes")))],
      [0, host({})],
    ],
  },
  "ram-budget": {
    fail: [
      [1, host({ ramBudgetBytes: MIB }, component("NatsJetStream", { memoryBytes: 2 * MIB }))],
      [
        1,
        host(
          { ramBudgetBytes: 9 * MIB, ramReserveBytes: 3 * MIB, memoryOfHostBytes: 4 * MIB },
          component("NatsJetStream", { memoryBytes: 2 * MIB }),
        ),
      ],
    ],
    pass: [
      host(
        { ramBudgetBytes: 2 * MIB, ramReserveBytes: MIB, memoryOfHostBytes: 3 * MIB },
        component("NatsJetStream", { memoryBytes: 2 * MIB }),
      ),
    ],
    absent: [
      [1, host({}, component("NatsJetStream", { memoryBytes: 1 }))],
      [0, host({ ramBudgetBytes: MIB }, component("NatsJetStream", {}))],
    ],
  },
  "disk-budget": {
    fail: [
      [1, disk(10 * MIB, component("NatsJetStream", { storeDir: "/srv/nats", maxFileStoreBytes: 9 * MIB }))],
      // Two topics that keep 1 MiB and let 1 MiB wait, and what is offloaded of them.
      [
        1,
        disk(
          7 * MIB,
          component("PulsarStandalone", ledgers),
          component("Namespace", {
            name: "a/b",
            retention: { minutes: 1, mebibytes: 1 },
            backlogQuota: { size: { limitBytes: MIB } },
            topics: 2,
          }),
        ),
      ],
      // Without a limit, kept and offloaded.
      [
        2,
        disk(
          1e12,
          component("PulsarStandalone", ledgers),
          component("Namespace", { name: "a/b", retention: { minutes: 1, mebibytes: -1 } }),
        ),
      ],
    ],
    pass: [
      disk(10 * MIB, component("NatsJetStream", { storeDir: "/srv/nats", maxFileStoreBytes: 8 * MIB })),
      disk(10 * MIB, component("NatsJetStream", { storeDir: "/var/nats", maxFileStoreBytes: 100 * MIB })),
    ],
    absent: [
      [0, host({}, component("NatsJetStream", { storeDir: "/srv/nats", maxFileStoreBytes: 9e15 }))],
      [0, disk(MIB, component("NatsJetStream", {}))],
    ],
  },
  "bounded-retention": {
    fail: [
      [1, stream({ maxAgeMilliseconds: -1, maxBytes: -1 })],
      [1, stream({ maxAgeMilliseconds: 3651 * 86_400_000, maxBytes: 1 })],
      [1, namespace({ retention: { minutes: -1, mebibytes: -1 } })],
    ],
    pass: [stream({ maxAgeMilliseconds: 1000, maxBytes: -1 }), namespace({ retention: { minutes: -1, mebibytes: 5 } })],
    absent: [
      [1, stream({})],
      [1, namespace({})],
      [0, nats({})],
    ],
  },
  "retention-exceeds-backlog": {
    fail: [
      [1, namespace({ retention: { minutes: -1, mebibytes: 1 }, backlogQuota: { size: { limitBytes: MIB } } })],
      [1, namespace({ retention: { minutes: 1, mebibytes: -1 }, backlogQuota: { time: { limitSeconds: 60 } } })],
    ],
    pass: [
      namespace({ retention: { minutes: 2, mebibytes: 2 }, backlogQuota: { size: { limitBytes: MIB }, time: { limitSeconds: 60 } } }),
      namespace({ retention: { minutes: 0, mebibytes: 0 }, backlogQuota: { size: { limitBytes: MIB } } }),
      namespace({ retention: { minutes: 2, mebibytes: 2 }, backlogQuota: { size: { limitBytes: -1 } } }),
    ],
    absent: [
      [0, namespace({ retention: { minutes: 1, mebibytes: 1 } })],
      [0, namespace({ backlogQuota: { size: { limitBytes: MIB } } })],
    ],
  },
  "memory-streams": {
    fail: [
      [1, stream({ storage: "memory", maxBytes: 2 * MIB }, { maxMemoryStoreBytes: MIB })],
      [1, stream({ storage: "memory", maxBytes: -1 }, { maxMemoryStoreBytes: MIB })],
      [1, nats({ maxMemoryStoreBytes: 9 * MIB, memoryBytes: 10 * MIB })],
    ],
    pass: [
      stream({ storage: "memory", maxBytes: MIB }, { maxMemoryStoreBytes: MIB, memoryBytes: 2 * MIB }),
      stream({ storage: "file", maxBytes: 2 * MIB }, { maxMemoryStoreBytes: MIB }),
    ],
    absent: [
      [0, nats({})],
      [1, stream({ storage: "memory" }, { maxMemoryStoreBytes: MIB })],
    ],
  },
  "durable-storage": {
    fail: [
      [1, stream({ retention: "workqueue", storage: "memory" })],
      [1, stream({ preset: "eventLog", retention: "limits", storage: "memory" })],
      [1, nats({ durability: "interval" })],
      [1, host({}, component("PulsarStandalone", { durability: "pageCache" }))],
    ],
    pass: [
      stream({ retention: "workqueue", storage: "file" }, { durability: "fsync" }),
      stream({ preset: "ephemeral", retention: "limits", storage: "memory" }),
    ],
    absent: [[0, nats({})]],
  },
  "pinned-artefacts": {
    fail: [
      [1, artefact("latest", `x sha256:${SHA256} - -\n`)],
      [1, artefact("^2.12.8", `x sha256:${SHA256} - -\n`)],
      [1, artefact("2.12.8", "x sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709 - -\n")],
      [1, artefact("2.12.8", `x sha256:${SHA256.slice(1)} - -\n`)],
    ],
    pass: [
      artefact("2.12.8", `x sha256:${SHA256} - -\n`),
      artefact("4.27.0-1", `x sha512:${SHA256}${SHA256} - -\n`),
      command("TASK=file\n\n"),
    ],
    absent: [
      [1, artefact("2.12.8", "")],
      [0, command("")],
    ],
  },
  "https-sources": {
    fail: [[1, artefact("1.0.0", `x sha256:${SHA256} - http://example.com/x\n`)]],
    pass: [artefact("1.0.0", `x sha256:${SHA256} - https://example.com/x\n`)],
    absent: [[0, artefact("1.0.0", `x sha256:${SHA256} - -\n`)]],
  },
  "pinned-images": {
    fail: [
      [1, [container({ image: "nats" })]],
      [1, [container({ image: "nats:2.12.8" })]],
      [1, [{ type: "docker:index/remoteImage:RemoteImage", name: "image", props: { name: "nats:latest" } }]],
    ],
    pass: [[container({ image: `nats:2.12.8@sha256:${SHA256}` })], [container({ image: `sha256:${SHA256}` })]],
    absent: [[1, [container({})]]],
  },
  "supported-versions": {
    fail: [
      [1, artefact("3.2.4", "", "pulsar")],
      [1, artefact("2.10.29", "")],
      [1, artefact("4.27.0-1", "", "benthos")],
    ],
    pass: [artefact("2.12.8", "")],
    absent: [[0, command("TASK=artifact\n\n")]],
  },
  "protected-listeners": {
    fail: [
      [1, nats({ listeners: [{ name: "client", address: "0.0.0.0", port: 1, authentication: true, tls: false }] })],
      [1, nats({ listeners: [{ name: "client", address: "::", port: 1, authentication: false, tls: true }] })],
      [1, nats({ listeners: [{ name: "client", address: "127.example.com", port: 1, authentication: false, tls: false }] })],
    ],
    pass: [
      nats({ listeners: [{ name: "client", address: "0.0.0.0", port: 1, authentication: true, tls: true }] }),
      nats({ listeners: [{ name: "client", address: "127.0.0.1", port: 1, authentication: false, tls: false }] }),
    ],
    absent: [
      [0, nats({})],
      [1, nats({ listeners: [{ name: "client", address: "192.0.2.1", port: 1 }] })],
    ],
  },
  "protected-ports": {
    fail: [
      [1, [container({ ports: [{ internal: 4222 }] })]],
      [1, [container({ ports: [{ internal: 4222, ip: "0.0.0.0" }] })]],
      [1, [container({ networkMode: "host" })]],
    ],
    pass: [[container({ ports: [{ internal: 4222, ip: "127.0.0.1" }] })]],
    absent: [[0, [container({})]]],
  },
  "pinned-host-keys": {
    fail: [
      [1, remote({ host: "192.0.2.7", hostKey: "" })],
      [1, remote({ host: "192.0.2.7", hostKey: "ssh-ed25519 AAAA", proxy: { host: "192.0.2.1" } })],
    ],
    pass: [remote({ host: "192.0.2.7", hostKey: "ssh-ed25519 AAAA" })],
    absent: [
      [0, remote(undefined)],
      [1, remote({})],
    ],
  },
  "no-inline-passwords": {
    fail: [
      [1, command("TASK=config-file\n\n  password: hunter2\n")],
      [1, command('TASK=config-file\n\n  "token": "abcdef"\n')],
      [1, command("TASK=file\n\nbrokerClientPassword=x\ndb.password=changeit\n")],
      [1, command("", { create: "nats --server nats://me:pw@127.0.0.1:4222 pub a b" })],
      [1, [container({ envs: ["POSTGRES_PASSWORD=postgres"] })]],
    ],
    pass: [
      command("TASK=config-file\n\n  password: $NATS_PASSWORD\n  token_file: /srv/token\n  tokens: 5\n"),
      command("TASK=config-file\n\n  password: $2a$11$abcdefghijklmnopqrstuv\n"),
      command("TASK=config-file\n\n  url: postgres://feeder:${PASSWORD}@127.0.0.1/db\n"),
      command("TASK=secret-file\n\n  password: hunter2\n"),
    ],
    absent: [
      [0, command("")],
      [0, [container({})]],
    ],
  },
  "services-not-root": {
    fail: [
      [1, host({ servicesRunAs: "root" })],
      [1, host({}, component("NatsJetStream", {}, container({ user: "0:0" })))],
    ],
    pass: [host({ servicesRunAs: "messaging" }, component("NatsJetStream", {}, container({ user: "1000" })))],
    absent: [
      [0, host({})],
      [1, host({}, component("NatsJetStream", {}, container({})))],
    ],
  },
};

describe("each policy, without an engine", () => {
  test("every policy of the pack is tested here, and has a bad stack of its own", () => {
    assert.deepEqual(Object.keys(cases).sort(), [...names].sort());
    assert.deepEqual(
      fixtures("bad")
        .map(({ name }) => name)
        .sort(),
      [...names].sort(),
    );
  });
  for (const [policy, { fail, pass, absent }] of Object.entries(cases)) {
    test(`${policy} refuses what is wrong, passes what is right, and copes with what is not there`, async () => {
      for (const [violations, stack] of [...fail, ...absent, ...pass.map((good) => [0, good] as const)]) {
        const said = await judge(policy, stack);
        assert.equal(said.length, violations, `${inspect(stack, { depth: 9 })}:\n${said.join("\n")}`);
      }
    });
  }
});

describe("bad stacks of plain resources, without an engine", () => {
  for (const { name, what, says, resources } of fixtures("bad")) {
    if (resources === undefined) continue;
    test(`${what}: ${name}`, async () => {
      const said = (await judge(name, resources)).join("\n");
      for (const pattern of says ?? []) assert.match(said, new RegExp(pattern));
      for (const other of names.filter((candidate) => candidate !== name)) assert.deepEqual(await judge(other, resources), [], other);
    });
  }
});

test("thresholds come from the settings of a policy", async () => {
  const week = stream({ maxAgeMilliseconds: 7 * 86_400_000, maxBytes: 1 });
  assert.equal((await judge("bounded-retention", week, { maxAgeDays: 6 })).length, 1);
  assert.match((await judge("bounded-retention", week, { minAgeSeconds: 604_801 })).join(), /for 7d only\. Set .* to at least 604801s/);
  assert.equal((await judge("bounded-retention", week, { maxAgeDays: 7, minAgeSeconds: 604_800 })).length, 0);
  const full = host({ ramBudgetBytes: 100 * MIB }, component("NatsJetStream", { memoryBytes: 96 * MIB }));
  assert.equal((await judge("ram-budget", full, { shareOfBudget: 0.95 })).length, 1);
  assert.equal((await judge("ram-budget", full, { shareOfBudget: 0.96 })).length, 0);
  const queue = stream({ retention: "workqueue", storage: "memory" }, { durability: "interval" });
  assert.equal((await judge("durable-storage", queue, { except: ["stream/jobs"] })).length, 1);
  assert.equal((await judge("durable-storage", queue, { except: ["stream/jobs", "nats"] })).length, 0);
  assert.equal(
    (await judge("protected-ports", [container({ ports: [{ internal: 1, external: 6651 }] })], { protected: [6651] })).length,
    0,
  );
});

test("listeners on loopback need authentication where the settings name them", async () => {
  const stack = (authentication: boolean) =>
    host({}, component("NatsJetStream", { listeners: [{ name: "client", address: "127.0.0.1", port: 4222, authentication, tls: false }] }));
  const named = { authenticated: ["client"] };
  assert.deepEqual(await judge("protected-listeners", stack(false)), []);
  assert.deepEqual(await judge("protected-listeners", stack(true), named), []);
  assert.match(
    (await judge("protected-listeners", stack(false), named)).join(),
    /listens for client on 127\.0\.0\.1:4222 for every user of the host/,
  );
});

test("the end of a line of releases is warned about beforehand", () => {
  const said = (date: string) => {
    const messages: string[] = [];
    const { validateResource } = supportedVersionsAt(() => new Date(`${date}T12:00:00Z`));
    assert.ok(typeof validateResource === "function");
    const [resource] = artefact("4.0.8", "", "pulsar");
    const args = { ...resource, getConfig: () => ({ warnDaysBefore: 90 }) };
    void validateResource(args as never, (message) => messages.push(message));
    return messages.join();
  };
  assert.equal(said("2027-07-01"), "");
  assert.match(said("2027-09-01"), /^pulsar 4\.0\.8 gets its last fixes on 2027-10-21\./);
  assert.match(said("2027-11-01"), /^pulsar 4\.0\.8 got its last fixes on 2027-10-21\./);
});

test("a stack chooses a set and changes single policies in it", () => {
  const choose = (value?: string) =>
    chosenSettings(value === undefined ? undefined : JSON.stringify({ "messaging:policies": value }), policies);
  assert.deepEqual(choose()["services-not-root"], { enforcementLevel: "advisory" });
  assert.deepEqual(choose("dev"), choose());
  assert.deepEqual(choose("production")["services-not-root"], { enforcementLevel: "mandatory" });
  const changed = choose(JSON.stringify({ set: "production", "ram-budget": "advisory", "bounded-retention": { maxAgeDays: 9 } }));
  assert.deepEqual(changed["ram-budget"], { enforcementLevel: "advisory", shareOfBudget: 0.95 });
  assert.deepEqual(changed["bounded-retention"], { enforcementLevel: "mandatory", minAgeSeconds: 10, maxAgeDays: 9 });
  assert.throws(() => choose("prod"), /messaging:policies: there is no set "prod"; allowed: dev, production/);
  assert.throws(() => choose('{"ram": "advisory"}'), /messaging:policies: there is no policy ram; allowed: set, all, ram-figures/);
});

test("amounts are shown in the unit that is exact", () => {
  assert.deepEqual([500_000_000, 2 ** 30, 3 * 2 ** 39].map(formatBytes), ["477MiB", "1GiB", "1536GiB"]);
  assert.deepEqual([90_000, 86_400_000, 1500].map(formatDuration), ["90s", "1d", "1500ms"]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isEncrypted, parseConfig } from "../../config/load";

/** The lines that a refused config is answered with, without the headline. */
function problems(raw: Record<string, unknown>): string[] {
  try {
    parseConfig(raw);
  } catch (error) {
    return (error as Error).message
      .split("\n")
      .slice(1)
      .map((line) => line.replace(/^ +- /, ""));
  }
  return [];
}

test("an empty NATS config has chapter 3's figures", () => {
  const { nats, ramBudgetBytes, hosts } = parseConfig({ nats: {} });
  assert.deepEqual(hosts, { local: { connection: "local", services: "auto" } });
  assert.equal(ramBudgetBytes, 4 * 2 ** 30);
  assert.equal(nats?.memoryBytes, 500_000_000);
  assert.equal(nats.goMemLimitBytes, 425_000_000);
  assert.equal(nats.jetstream.maxMemoryStoreBytes, 250_000_000);
  assert.equal(nats.durability, "fsync");
  assert.deepEqual(nats.ports, { client: 4222, monitoring: 8222 });
});

test("limits follow from memory", () => {
  const { nats } = parseConfig({ nats: { memory: "200MiB" } });
  assert.equal(nats?.goMemLimitBytes, Math.floor(200 * 2 ** 20 * 0.85));
  assert.equal(nats.jetstream.maxMemoryStoreBytes, 100 * 2 ** 20);
});

test("every problem is listed at once, with its path, what was given and what is allowed", () => {
  const found = problems({
    ramBudget: 4,
    typo: true,
    hosts: { local: { prefix: "relative path" } },
    nats: {
      memory: "-5MB",
      memroy: "1GB",
      maxPayload: "32MB",
      maxConnections: 0,
      durability: "maybe",
      version: "1.0.0",
      ports: { client: 80, monitoring: 8222 },
      writeDeadline: "10",
    },
  });
  const expected = [
    /^messaging:ramBudget: got 4; allowed: a size from 64MB to 100TB with a unit/,
    /^messaging:typo: unknown key; allowed: the keys hosts, ramBudget, ramReserve, observe, policies, nats, pulsar, namespaces, benthos, monitoring, allowDataLoss/,
    /^messaging:hosts\.local\.prefix: got "relative path"; allowed: .*absolute path/,
    /^messaging:nats\.memory: got "-5MB"; allowed: a size from 64MB/,
    /^messaging:nats\.memroy: unknown key; allowed: the keys version, source, keepVersions, memory/,
    /^messaging:nats\.maxPayload: got "32MB"; allowed: at most maxPending \(16MB\)/,
    /^messaging:nats\.maxConnections: got 0; allowed: client connections, a whole number from 1/,
    /^messaging:nats\.durability: got "maybe"; allowed: fsync/,
    /^messaging:nats\.version: got "1\.0\.0"; allowed: a pinned version \(2\.10\.29/,
    /^messaging:nats\.ports\.client: got 80; allowed: an unprivileged port/,
    /^messaging:nats\.writeDeadline: got "10"; allowed: a duration/,
  ];
  for (const pattern of expected)
    assert.ok(
      found.some((line) => pattern.test(line)),
      `${pattern} in\n${found.join("\n")}`,
    );
  assert.equal(found.length, expected.length, found.join("\n"));
});

const refusals: [string, Record<string, unknown>, RegExp][] = [
  [
    "memory store above GOMEMLIMIT",
    { nats: { jetstream: { maxMemoryStore: "450MB" } } },
    /^messaging:nats\.jetstream\.maxMemoryStore: got "450MB"; allowed: at most 425MB/,
  ],
  [
    "both listeners on one port",
    { nats: { ports: { client: 8222 } } },
    /^messaging:nats\.ports\.monitoring: not set; allowed: a port other than/,
  ],
  [
    "components above the budget",
    { ramBudget: "256MB", nats: {} },
    /^messaging:ramBudget: got "256MB"; allowed: at least 534MB.*nats 500MB/,
  ],
  ["a component above the default budget", { nats: { memory: "8GB" } }, /^messaging:ramBudget: not set; allowed: at least 8034MB/],
  ["no host", { hosts: {} }, /^messaging:hosts: got {}; allowed: at least one host/],
  ["a host key that is no name", { hosts: { "Local Host": {} } }, /^messaging:hosts\.Local Host: got {}; allowed: a host key/],
  [
    "a service manager that does not exist",
    { hosts: { local: { services: "cron" } } },
    /^messaging:hosts\.local\.services: got "cron"; allowed: auto, supervisord, systemd, launchd or docker$/,
  ],
  ["a prefix too long for the socket below it", { hosts: { local: { prefix: `/${"x".repeat(80)}` } } }, /allowed: at most 80 characters/],
  ["a scalar for a component", { nats: 5 }, /^messaging:nats: got 5; allowed: the keys/],
];
for (const [what, raw, pattern] of refusals) {
  test(`refused: ${what}`, () => {
    const found = problems(raw);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", pattern);
  });
}

test("a secret in clear is seen beside one that is encrypted", () => {
  const secrets = { POSTGRESQL_DSN: { secure: "v1:abc" }, API_KEY: "in clear" };
  const settings = { "messaging:benthos": { secrets }, "messaging:hosts": { secure: "v1:abc" } };
  const paths = ["benthos.secrets.POSTGRESQL_DSN", "benthos.secrets.API_KEY", "hosts.edge.privateKey", "nats.tls.own.key"];
  assert.deepEqual(
    paths.filter((path) => !isEncrypted(settings, path)),
    ["benthos.secrets.API_KEY", "nats.tls.own.key"],
  );
});

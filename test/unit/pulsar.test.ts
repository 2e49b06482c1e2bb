import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../config/load";
import { NATIVE_BYTES, type PulsarConfig } from "../../config/pulsar";
import { pulsarArtifact } from "../../components/pulsar-standalone";
import { clientConf, offloadProfile, pulsarEnv, type PulsarPaths, pulsarToolsEnv, standaloneConf } from "../../render/pulsar";
import { entryLocationRocksdbConf } from "../../render/pulsar-rocksdb";
import { artifactTask } from "../../tasks/artifact";

const MIB = 2 ** 20;

const pulsar = (settings: Record<string, unknown> = {}): PulsarConfig => {
  const parsed = parseConfig({ pulsar: settings }).pulsar;
  assert.ok(parsed);
  return parsed;
};

const paths: PulsarPaths = {
  data: "/p/var/lib/pulsar",
  logs: "/p/var/log/pulsar",
  javaHome: "/p/opt/jre/21.0.8",
  entryLocationRocksdbConf: "/p/etc/pulsar/entry_location_rocksdb.conf",
  ledgerMetadataRocksdbConf: "/p/etc/pulsar/ledger_metadata_rocksdb.conf",
  tieredStorage: {
    offloaders: "/p/opt/pulsar-offloaders/3.3.6/offloaders",
    profile: "/p/etc/pulsar/filesystem_offload_core_site.xml",
    directory: "/d",
  },
  auth: undefined,
  loopback: "lo",
};

/** Keys and values of a properties file. */
const properties = (text: string) =>
  new Map(
    text
      .split("\n")
      .filter((line) => /^\w/.test(line))
      .map((line) => line.split("=", 2) as [string, string]),
  );

test("an empty Pulsar config has chapter 3's figures", () => {
  const { version, memory, memoryBytes, ports, durability } = pulsar();
  assert.equal(version, "3.3.6");
  assert.equal(memory.maxHeapBytes, 2048 * MIB);
  assert.equal(memory.initialHeapBytes, 1024 * MIB);
  assert.deepEqual(ports, { broker: 6650, web: 8080, bookie: 3181 });
  assert.equal(durability, "fsync");
  const native = Object.values(NATIVE_BYTES).reduce((sum, bytes) => sum + bytes, 0);
  assert.equal(memoryBytes, Math.ceil(2048 * MIB * 1.05) + 512 * MIB + native);
});

test("standalone.conf overrides listeners, durability, caches and switches, each once", () => {
  const text = standaloneConf(pulsar(), paths);
  const conf = properties(text);
  for (const [key, value] of Object.entries({
    bindAddress: "127.0.0.1",
    advertisedAddress: "127.0.0.1",
    listeningInterface: "lo",
    brokerServicePort: "6650",
    webServicePort: "8080",
    journalSyncData: "true",
    dbStorage_writeCacheMaxSizeMb: "64",
    dbStorage_readAheadCacheMaxSizeMb: "64",
    managedLedgerCacheSizeMB: "128",
    maxMessagePublishBufferSizeInMB: "64",
    webSocketServiceEnabled: "false",
    brokerDeleteInactiveTopicsEnabled: "false",
  })) {
    assert.equal(conf.get(key), value, key);
  }
  assert.equal(conf.has("metadataStoreUrl"), false, "standalone reads it as a ZooKeeper port and does not start");
  assert.equal(conf.has("managedLedgerOffloadDriver"), false);
  assert.equal(text.match(/^\w+=/gm)?.length, conf.size);
});

test("the weaker durability is written out", () => {
  assert.equal(properties(standaloneConf(pulsar({ durability: "pageCache" }), paths)).get("journalSyncData"), "false");
});

test("tiered storage brings driver, directory, thresholds and lag", () => {
  const tiered = pulsar({ tieredStorage: { thresholdSize: "1GiB", thresholdAge: "1d", deletionLag: "1h" } });
  const conf = properties(standaloneConf(tiered, paths));
  assert.equal(conf.get("managedLedgerOffloadDriver"), "filesystem");
  assert.equal(conf.get("managedLedgerOffloadAutoTriggerSizeThresholdBytes"), String(2 ** 30));
  assert.equal(conf.get("managedLedgerOffloadThresholdInSeconds"), "86400");
  assert.equal(conf.get("managedLedgerOffloadDeletionLagMs"), "3600000");
  assert.equal(conf.get("fileSystemURI"), "file:///d", "where ledgers go");
  assert.match(offloadProfile("/d"), /<name>hadoop\.tmp\.dir<\/name>\n {4}<value>\/d<\/value>/);
});

test("the server's Java has its heap, direct memory and caps; the tools have a small heap of their own", () => {
  const env = pulsarEnv(pulsar(), paths);
  assert.match(env, /^PULSAR_MEM="-Xms1024m -Xmx2048m -XX:MaxDirectMemorySize=512m -XX:MaxMetaspaceSize=160m /m);
  assert.match(env, /^PULSAR_GC="-XX:\+UseG1GC -XX:MaxGCPauseMillis=10 /m);
  assert.match(pulsarToolsEnv(paths, "/p/etc/pulsar/client.conf"), /^PULSAR_MEM="-Xmx128m /m);
  assert.match(clientConf(pulsar(), paths), /^brokerServiceUrl=pulsar:\/\/127\.0\.0\.1:6650\/$/m);
});

test("RocksDB's sizes are in the options file", () => assert.match(entryLocationRocksdbConf(), /^ {2}block_cache=16777216$/m));

/** A release that only Apache's archive keeps. */
const SOURCE = {
  url: "https://archive.apache.org/dist/pulsar/pulsar-3.2.4/apache-pulsar-3.2.4-bin.tar.gz",
  sha512: "0123456789abcdef".repeat(8),
};

test("a chosen source is fetched and verified as a pinned one is", () => {
  const task = (source: Record<string, unknown>) => artifactTask(pulsarArtifact(pulsar({ version: "3.2.4", source })), "linux-amd64");
  const signer = "C663D2F64DA2CA09DB28D9ABD3FA67D522C55256";
  const { inputs, body } = task({ ...SOURCE, signer });
  assert.deepEqual(
    [inputs["VERSION"], inputs["SIGNERS"], inputs["KEYS_URL"], body],
    [
      "3.2.4",
      signer,
      "https://downloads.apache.org/pulsar/KEYS",
      `apache-pulsar-3.2.4-bin.tar.gz sha512:${SOURCE.sha512} apache-pulsar-3.2.4 ${SOURCE.url}\n`,
    ],
  );
  const { body: local } = task({ path: "/srv/apache-pulsar-3.2.4-bin.tar.gz", sha512: SOURCE.sha512 });
  assert.match(local ?? "", / apache-pulsar-3\.2\.4 file:\/\/\/srv\/apache-pulsar-3\.2\.4-bin\.tar\.gz\n$/);
});

describe("refused", () => {
  const cases: readonly [name: string, settings: Record<string, unknown>, pattern: RegExp][] = [
    ["an initial heap above the maximum", { memory: { maxHeap: "512MiB" } }, /pulsar\.memory\.initialHeap: .*at most maxHeap \(512MiB\)/],
    [
      "direct memory too small for the caches",
      { memory: { maxDirect: "256MiB", managedLedgerCache: "200MiB" } },
      /pulsar\.memory\.maxDirect/,
    ],
    ["a heap above the budget", { memory: { maxHeap: "8GiB" } }, /messaging:ramBudget: .*pulsar/],
    ["two listeners on one port", { ports: { web: 6650 } }, /pulsar\.ports: .*three different ports/],
    ["tiered storage without a threshold", { tieredStorage: {} }, /pulsar\.tieredStorage\.thresholdSize: .*thresholdAge/],
    ["a version that is not pinned", { version: "3.2.4" }, /pulsar\.version: got "3\.2\.4"; .*3\.3\.6, 4\.0\.8.* with source/],
    ["a version before 3.2", { version: "2.8.0", source: SOURCE }, /pulsar\.version: got "2\.8\.0"; .*from 3\.2\.0 on/],
    ["a source without a digest", { version: "3.2.4", source: { url: SOURCE.url } }, /pulsar\.source\.sha512: .*128 hexadecimal digits/],
    ["a source without a place", { version: "3.2.4", source: { sha512: SOURCE.sha512 } }, /pulsar\.source: .*url or path, one of them/],
    [
      "a source in two places",
      { version: "3.2.4", source: { ...SOURCE, path: "/a.tar.gz" } },
      /pulsar\.source: .*url or path, one of them/,
    ],
    ["a source that is no archive", { source: { ...SOURCE, url: "https://example.org/pulsar.zip" } }, /pulsar\.source\.url: .*\.tar\.gz/],
    ["a short digest", { source: { ...SOURCE, sha512: "abc" } }, /pulsar\.source\.sha512: got "abc"; allowed: the SHA-512/],
    ["a signer that is no fingerprint", { source: { ...SOURCE, signer: "lari" } }, /pulsar\.source\.signer: .*40 hexadecimal digits/],
    [
      "tiered storage with a source that has no offloaders",
      { version: "3.2.4", source: SOURCE, tieredStorage: { thresholdAge: "1d" } },
      /pulsar\.tieredStorage: .*source\.offloaders/,
    ],
    ["an unknown switch", { switches: { zookeeper: true } }, /pulsar\.switches\.zookeeper: unknown key/],
  ];
  for (const [name, settings, pattern] of cases) {
    test(name, () => assert.throws(() => parseConfig({ pulsar: settings }), pattern));
  }
  test("namespaces without a Pulsar, offloading without tiered storage, and a port that NATS has", () => {
    assert.throws(() => parseConfig({ namespaces: { "arc/agents": {} } }), /namespaces\.arc\/agents: .*with messaging:pulsar/);
    const offload = { "arc/agents": { offload: { thresholdSize: "1GB" } } };
    assert.throws(() => parseConfig({ pulsar: {}, namespaces: offload }), /offload: .*with messaging:pulsar\.tieredStorage/);
    assert.throws(
      () => parseConfig({ nats: {}, pulsar: { ports: { web: 8222 } } }),
      /pulsar\.ports\.web: .*other than nats\.ports\.monitoring/,
    );
  });
});

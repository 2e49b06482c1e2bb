import { z } from "zod";
import { absolutePath } from "./paths";
import { pinnedVersions } from "./pins";
import { pulsarAuthSchema } from "./pulsar-auth";
import { pulsarSourceSchema } from "./pulsar-source";
import { integer, keepVersions, object, port, whenSound } from "./schema";
import { checkOwn, tlsKeys, withUnit } from "./tls";
import { duration, formatBytes, size } from "./units";

const MIB = 2 ** 20;

/**
 * What the process uses besides heap and direct memory, in bytes. The first two are caps that the JVM gets; the rest is what was measured or what the
 * settings allow at most: 160 threads of 512 KiB, RocksDB's caches and memtables (render/pulsar-rocksdb.ts; the metadata store takes no settings:
 * https://github.com/apache/pulsar/pull/17078) and the slack of malloc with two arenas.
 */
export const NATIVE_BYTES = {
  metaspace: 160 * MIB,
  codeCache: 64 * MIB,
  threads: 80 * MIB,
  rocksDb: 180 * MIB,
  malloc: 64 * MIB,
} as const;

/** G1's own structures as a share of the heap (https://docs.oracle.com/en/java/javase/21/gctuning/garbage-first-g1-garbage-collector1.html). */
const G1_SHARE = 0.05;

/** Shares of direct memory: the bookie's write cache and read-ahead cache, the broker's cache of entries, and what producers may have under way. */
const DIRECT_SHARES = { writeCache: 0.125, readAheadCache: 0.125, managedLedgerCache: 0.25, publishBuffer: 0.125 } as const;

/** The least direct memory that is left to Netty's arenas and frames. */
const NETTY_BYTES = 32 * MIB;

const versions: readonly string[] = pinnedVersions("pulsar");
const offloaderVersions: readonly string[] = pinnedVersions("pulsar-offloaders");
const VERSION = `allowed: a pinned version (${versions.join(", ")}), or another one from 3.2.0 on with source, where its archive and its SHA-512 are`;

const memorySchema = object({
  maxHeap: size("128MiB", "64GiB").prefault("2GiB").describe("-Xmx"),
  initialHeap: size("64MiB", "64GiB").prefault("1GiB").describe("-Xms"),
  maxDirect: size("128MiB", "64GiB")
    .prefault("512MiB")
    .describe(
      "direct memory: the bookie's write and read-ahead caches (an eighth each), the broker's cache of entries (a quarter, or `managedLedgerCache`), publishing (an eighth), Netty",
    ),
  managedLedgerCache: size("16MiB", "64GiB").optional().describe("the broker's cache of entries; without: a quarter of `maxDirect`"),
})
  .refine(({ initialHeap, maxHeap }) => initialHeap <= maxHeap, {
    path: ["initialHeap"],
    error: ({ input }) => `allowed: at most maxHeap (${formatBytes((input as { maxHeap: number }).maxHeap)})`,
    when: whenSound("initialHeap", "maxHeap"),
  })
  .transform(({ maxHeap, initialHeap, maxDirect, managedLedgerCache }) => ({
    maxHeapBytes: maxHeap,
    initialHeapBytes: initialHeap,
    maxDirectBytes: maxDirect,
    writeCacheBytes: maxDirect * DIRECT_SHARES.writeCache,
    readAheadCacheBytes: maxDirect * DIRECT_SHARES.readAheadCache,
    managedLedgerCacheBytes: managedLedgerCache ?? maxDirect * DIRECT_SHARES.managedLedgerCache,
    publishBufferBytes: maxDirect * DIRECT_SHARES.publishBuffer,
  }))
  .refine((memory) => cachesBytes(memory) + NETTY_BYTES <= memory.maxDirectBytes, {
    path: ["maxDirect"],
    error: ({ input }) => {
      const needed = cachesBytes(input as DirectMemory) + NETTY_BYTES;
      return `allowed: at least ${formatBytes(needed)}, the caches it holds (managedLedgerCache included) and ${formatBytes(NETTY_BYTES)} for Netty`;
    },
  });

interface DirectMemory {
  readonly writeCacheBytes: number;
  readonly readAheadCacheBytes: number;
  readonly managedLedgerCacheBytes: number;
  readonly publishBufferBytes: number;
}

function cachesBytes(memory: DirectMemory): number {
  return memory.writeCacheBytes + memory.readAheadCacheBytes + memory.managedLedgerCacheBytes + memory.publishBufferBytes;
}

const flag = (what: string) => z.boolean(`allowed: true or false, ${what}`);

/** What Pulsar brings and few need; each costs threads, memory or a listener. */
const switchesSchema = object({
  functionsWorker: flag("Pulsar Functions").default(false).describe("Pulsar Functions; like each switch it costs threads and memory"),
  webSocket: flag("the WebSocket API on the web port").default(false).describe("the WebSocket API on the web port"),
  transactions: flag("transactions").default(false).describe("transactions"),
  nonPersistentTopics: flag("non-persistent topics").default(true).describe("non-persistent topics"),
  autoTopicCreation: flag("topics that a client's first use creates").default(true).describe("topics that a client's first use creates"),
});

/** Offloading of closed ledgers to a directory. https://pulsar.apache.org/docs/3.3.x/tiered-storage-filesystem/ */
const tieredStorageSchema = object({
  directory: absolutePath("the directory for offloaded ledgers")
    .optional()
    .describe("where offloaded ledgers go; without: `<prefix>/var/lib/pulsar-offload`"),
  thresholdSize: size("0B", "100TB").optional().describe("a topic's ledgers beyond it are offloaded; this or `thresholdAge`, or both"),
  thresholdAge: duration("0s", "3650d").optional().describe("ledgers older than it are offloaded"),
  deletionLag: duration("0s", "3650d").prefault("4h").describe("how long a ledger is in both places"),
})
  .refine(({ thresholdSize, thresholdAge }) => thresholdSize !== undefined || thresholdAge !== undefined, {
    path: ["thresholdSize"],
    error: "allowed: a size, or thresholdAge, or both: a topic's older ledgers are offloaded beyond them",
    when: whenSound("thresholdSize", "thresholdAge"),
  })
  .transform(({ directory, thresholdSize, thresholdAge, deletionLag }) => ({
    directory,
    thresholdBytes: thresholdSize,
    thresholdMilliseconds: thresholdAge,
    deletionLagMilliseconds: deletionLag,
  }));

/** When a topic's open ledger is closed and a new one begun: only closed ledgers are offloaded or deleted. */
const ledgerSchema = object({
  maxEntries: integer("entries", 100, 10_000_000)
    .default(50_000)
    .describe("entries after which a topic's open ledger is closed; only closed ledgers are offloaded or deleted"),
  maxSize: size("1MiB", "100GiB").prefault("512MiB").describe("size after which it is closed"),
  minRolloverAge: duration("0s", "365d").prefault("10m").describe("how long it stays open at least"),
  maxRolloverAge: duration("1m", "365d").prefault("4h").describe("and at most"),
}).transform(({ maxEntries, maxSize, minRolloverAge, maxRolloverAge }) => ({
  maxEntries,
  maxBytes: maxSize,
  minRolloverMilliseconds: minRolloverAge,
  maxRolloverMilliseconds: maxRolloverAge,
}));

/**
 * `messaging:pulsar`: Apache Pulsar standalone, broker and bookie in one process with RocksDB for metadata. Sizes and durations carry their unit in the
 * config (`2GiB`, `4h`) and in the name of the parsed value. Meanings: https://pulsar.apache.org/reference/#/3.3.x/config/reference-configuration-standalone
 */
export const pulsarSchema = object({
  version: z
    .string(VERSION)
    .regex(/^(3\.([2-9]|\d\d)|[4-9]\.\d{1,2})\.\d{1,2}$/, VERSION)
    .default(pinnedVersions("pulsar")[0])
    .describe(
      `pinned: ${versions.join(", ")}; any other from 3.2.0 on with \`source\`. Going back to an earlier minor version on the same data is refused`,
    ),
  source: pulsarSourceSchema
    .optional()
    .describe("an archive of your choice, such as a release that only Apache's archive keeps; absent: pinned"),
  keepVersions,
  javaHome: absolutePath("the home of a Java runtime on the host, 17 to 23")
    .optional()
    .describe(
      "home of the host's own Java, 17 to 23 (Hadoop, which offloads, needs what Java 24 removed); without: a pinned Temurin 21, installed beside it",
    ),
  memory: memorySchema.prefault({}),
  durability: z
    .enum(
      ["fsync", "pageCache"],
      "allowed: fsync (sync the journal before each acknowledgement) or pageCache (acknowledged messages can be lost on power failure)",
    )
    .default("fsync")
    .describe(
      "`fsync`: the journal is synced before each acknowledgement; `pageCache`: as the distribution ships it, and a power failure can lose acknowledged messages",
    ),
  ports: object({
    broker: port.default(6650).describe("binary protocol, on 127.0.0.1"),
    web: port.default(8080).describe("admin REST API and metrics, on 127.0.0.1"),
    bookie: port.default(3181).describe("bookie, on 127.0.0.1"),
  })
    .refine(({ broker, web, bookie }) => new Set([broker, web, bookie]).size === 3, "allowed: three different ports")
    .prefault({}),
  dataDirectory: absolutePath("Pulsar's data directory")
    .optional()
    .describe("metadata (RocksDB) and ledgers; without: `<prefix>/var/lib/pulsar`"),
  bookkeeperDirectory: absolutePath("the directory of BookKeeper's ledgers, which a bookie never leaves")
    .optional()
    .describe(
      "where the bookie has its ledgers; only for a Pulsar that was adopted, because a bookie never leaves its directory. Without: `bookkeeper` in the data directory",
    ),
  bookieId: z
    .string("allowed: the id in current/VERSION of BookKeeper's directory, such as 127.0.0.1:3181")
    .regex(/^[\w.-]+(:\d{1,5})?$/, "allowed: the id in current/VERSION of BookKeeper's directory, such as 127.0.0.1:3181")
    .optional()
    .describe("the id that the ledgers are stored under; only for a Pulsar that was adopted. Without: address and port of the bookie"),
  switches: switchesSchema.prefault({}),
  ledger: ledgerSchema.prefault({}),
  tieredStorage: tieredStorageSchema.optional().describe("offloads closed ledgers to a directory; absent: none"),
  auth: pulsarAuthSchema
    .optional()
    .describe("each client proves its role with a token ([credentials.md](credentials.md)); absent: every user of the host"),
  tls: object({
    ...tlsKeys,
    ports: object({
      broker: port.default(6651).describe("binary protocol with TLS, beside the one without on loopback"),
      web: port.default(8443).describe("HTTPS"),
    }).prefault({}),
  })
    .superRefine(checkOwn, { when: whenSound("own", "names") })
    .transform(withUnit)
    .optional()
    .describe("ports with TLS ([credentials.md](credentials.md#tls)); absent: none"),
})
  .refine(({ version, source }) => source !== undefined || versions.includes(version), {
    path: ["version"],
    error: VERSION,
    when: whenSound("version", "source"),
  })
  .refine(({ ports, tls }) => new Set([...Object.values(ports), ...Object.values(tls?.ports ?? {})]).size === (tls === undefined ? 3 : 5), {
    path: ["tls", "ports"],
    error: "allowed: two different ports that are none of pulsar.ports",
    when: whenSound("ports", "tls"),
  })
  .refine(
    ({ tieredStorage, version, source }) =>
      tieredStorage === undefined || source?.offloaders !== undefined || offloaderVersions.includes(version),
    {
      path: ["tieredStorage"],
      error: `allowed: with a version whose offloaders are pinned (${offloaderVersions.join(", ")}), or with source.offloaders`,
      when: whenSound("version", "source", "tieredStorage"),
    },
  )
  .transform((pulsar) => {
    const memoryParts = plannedParts(pulsar.memory);
    return { ...pulsar, memoryParts, memoryBytes: Object.values(memoryParts).reduce((sum, bytes) => sum + bytes, 0) };
  });

/** Parsed `messaging:pulsar`. `memoryBytes` is what the process may use at most, the sum of `memoryParts`. */
export type PulsarConfig = z.output<typeof pulsarSchema>;

/** What the parts of the process may use at most, in bytes. */
function plannedParts({ maxHeapBytes, maxDirectBytes }: { readonly maxHeapBytes: number; readonly maxDirectBytes: number }) {
  return { heap: maxHeapBytes, collector: Math.ceil(maxHeapBytes * G1_SHARE), direct: maxDirectBytes, ...NATIVE_BYTES };
}

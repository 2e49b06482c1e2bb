import { z } from "zod";
import { absolutePath } from "./paths";
import { duration, formatBytes, size } from "./units";
import { integer, keepVersions, object, port, programSource, whenSound } from "./schema";
import { natsAuthSchema } from "./nats-auth";
import { reservedBytes, streamsSchema } from "./nats-streams";
import { pinnedVersions } from "./pins";
import { tlsSchema } from "./tls";

/** GOMEMLIMIT as a share of the process cap: the Go collector works harder before the cap is met (https://go.dev/doc/gc-guide#Memory_limit). */
export const GOMEMLIMIT_SHARE = 0.85;

/** JetStream's memory store as a share of the process cap when the config names none; the rest is connections, buffers and file-store caches. */
export const MEMORY_STORE_SHARE = 0.5;

/** What the temporary file stream of scripts/tasks/nats-verify.sh reserves. */
export const PROOF_BYTES = 65_536;

const versions = pinnedVersions("nats-server");

const jetstreamSchema = object({
  maxMemoryStore: size("1MB", "1TB")
    .optional()
    .describe("what memory streams may hold, at most 85 % of `memory`; without: half of `memory`"),
  maxFileStore: size("1MB", "100TB").prefault("10GB").describe("what file streams may hold"),
  storeDir: absolutePath("JetStream's store directory").optional().describe("directory of the store; without: `<prefix>/var/lib/nats`"),
});

/**
 * `messaging:nats`: one NATS server with JetStream. Sizes and durations carry their unit in the config (`500MB`, `10s`) and in the
 * name of the parsed value. Server defaults and meanings: https://docs.nats.io/running-a-nats-service/configuration
 */
export const natsSchema = object({
  version: z
    .enum(versions, `allowed: a pinned version (${versions.join(", ")})`)
    .default(versions[0])
    .describe("an earlier minor release is refused on a store with streams of a later one"),
  source: programSource,
  keepVersions,
  memory: size("64MB", "1TB").prefault("500MB").describe("cap of the process; GOMEMLIMIT is 85 % of it"),
  jetstream: jetstreamSchema.prefault({}),
  durability: z
    .enum(
      ["fsync", "interval"],
      "allowed: fsync (sync before each acknowledgement) or interval (sync every two minutes, acknowledged messages can be lost on power failure)",
    )
    .default("fsync")
    .describe(
      "`fsync`: every message is on disk before it is acknowledged; `interval`: synced every two minutes, faster, and a power failure can lose acknowledged messages",
    ),
  maxConnections: integer("client connections", 1, 1_000_000).default(1000).describe("client connections"),
  maxSubscriptions: integer("subscriptions of one connection", 1, 10_000_000).default(10_000).describe("subscriptions of one connection"),
  maxPayload: size("1kB", "64MB").prefault("1MB").describe("largest message; at most `maxPending`"),
  maxPending: size("1kB", "1GB").prefault("16MB").describe("outbound buffer of one connection"),
  writeDeadline: duration("100ms", "5m").prefault("10s").describe("after which a slow consumer is cut off"),
  auth: natsAuthSchema
    .optional()
    .describe(
      "who may connect, each with a key ([credentials.md](credentials.md)); `{}`: the stack's own users only, absent: every user of the host",
    ),
  tls: tlsSchema
    .optional()
    .describe(
      "every client has to speak TLS; the server shows a certificate of the host's own certificate authority ([credentials.md](credentials.md#tls)); absent: in clear, on loopback",
    ),
  streams: streamsSchema,
  ports: object({
    client: port.default(4222).describe("clients, on 127.0.0.1"),
    monitoring: port.default(8222).describe("HTTP monitoring, on 127.0.0.1"),
  }).prefault({}),
})
  .refine((nats) => nats.maxPayload <= nats.maxPending, {
    path: ["maxPayload"],
    error: ({ input }) => `allowed: at most maxPending (${formatBytes((input as NatsInput).maxPending)}), or nats-server refuses to start`,
    when: whenSound("maxPayload", "maxPending"),
  })
  .refine((nats) => nats.ports.client !== nats.ports.monitoring, {
    path: ["ports", "monitoring"],
    error: "allowed: a port other than ports.client",
    when: whenSound("ports"),
  })
  .refine((nats) => (nats.jetstream.maxMemoryStore ?? 0) <= goMemLimitBytes(nats.memory), {
    path: ["jetstream", "maxMemoryStore"],
    error: ({ input }) => {
      const { memory } = input as NatsInput;
      return `allowed: at most ${formatBytes(goMemLimitBytes(memory))}, ${GOMEMLIMIT_SHARE * 100} % of memory (${formatBytes(memory)}), the cap of the process`;
    },
    when: whenSound("memory", "jetstream"),
  })
  .refine((nats) => reservedBytes(nats.streams, "memory") <= (nats.jetstream.maxMemoryStore ?? memoryStoreBytes(nats.memory)), {
    path: ["streams"],
    error: "allowed: memory streams whose maxBytes together fit jetstream.maxMemoryStore; JetStream reserves them",
    when: whenSound("memory", "jetstream", "streams"),
  })
  .refine((nats) => reservedBytes(nats.streams, "file") + PROOF_BYTES <= nats.jetstream.maxFileStore, {
    path: ["streams"],
    error:
      "allowed: file streams whose maxBytes together fit jetstream.maxFileStore, with 64KiB left for the proof; JetStream reserves them",
    when: whenSound("jetstream", "streams"),
  })
  .transform(({ memory, jetstream, maxPayload, maxPending, writeDeadline, ...rest }) => ({
    ...rest,
    memoryBytes: memory,
    goMemLimitBytes: goMemLimitBytes(memory),
    maxPayloadBytes: maxPayload,
    maxPendingBytes: maxPending,
    writeDeadlineMilliseconds: writeDeadline,
    jetstream: {
      maxMemoryStoreBytes: jetstream.maxMemoryStore ?? memoryStoreBytes(memory),
      maxFileStoreBytes: jetstream.maxFileStore,
      storeDir: jetstream.storeDir,
    },
  }));

/** The parsed `messaging:nats`. `memoryBytes` is the cap of the process; `goMemLimitBytes` follows from it (85 %). */
export type NatsConfig = z.output<typeof natsSchema>;

function goMemLimitBytes(memoryBytes: number): number {
  return Math.floor(memoryBytes * GOMEMLIMIT_SHARE);
}

function memoryStoreBytes(memoryBytes: number): number {
  return Math.floor(memoryBytes * MEMORY_STORE_SHARE);
}

interface NatsInput {
  readonly memory: number;
  readonly maxPending: number;
}

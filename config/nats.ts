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
  maxMemoryStore: size("1MB", "1TB").optional(),
  maxFileStore: size("1MB", "100TB").prefault("10GB"),
  storeDir: absolutePath("JetStream's store directory").optional(),
});

/**
 * `messaging:nats`: one NATS server with JetStream. Sizes and durations carry their unit in the config (`500MB`, `10s`) and in the
 * name of the parsed value. Server defaults and meanings: https://docs.nats.io/running-a-nats-service/configuration
 */
export const natsSchema = object({
  version: z.enum(versions, `allowed: a pinned version (${versions.join(", ")})`).default(versions[0]),
  source: programSource,
  keepVersions,
  memory: size("64MB", "1TB").prefault("500MB"),
  jetstream: jetstreamSchema.prefault({}),
  durability: z
    .enum(
      ["fsync", "interval"],
      "allowed: fsync (sync before each acknowledgement) or interval (sync every two minutes, acknowledged messages can be lost on power failure)",
    )
    .default("fsync"),
  maxConnections: integer("client connections", 1, 1_000_000).default(1000),
  maxSubscriptions: integer("subscriptions of one connection", 1, 10_000_000).default(10_000),
  maxPayload: size("1kB", "64MB").prefault("1MB"),
  maxPending: size("1kB", "1GB").prefault("16MB"),
  writeDeadline: duration("100ms", "5m").prefault("10s"),
  auth: natsAuthSchema.optional(),
  tls: tlsSchema.optional(),
  streams: streamsSchema,
  ports: object({ client: port.default(4222), monitoring: port.default(8222) }).prefault({}),
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

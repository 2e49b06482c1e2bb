// What our Pulsar config costs at run time: pulsar-perf against our config and against the distribution's with the same durability and memory, in turn, on loopback.
// Prints, judges nothing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../config/load";
import { layout } from "../hosts/layout";
import { entryLocationRocksdbConf, ledgerMetadataRocksdbConf } from "../render/pulsar-rocksdb";
import { standaloneConf } from "../render/pulsar";
import { PulsarServer } from "../test/support/pulsar-server";
import { eventually, removeDirectory, temporaryDirectory } from "../test/support/temporary";
import { PERCENTILES, printPairs } from "./statistics";

/** Interleaved pairs of each workload. */
const PAIRS = Number(process.env["BENCH_ROUNDS"] ?? 3);

/** Bytes of a message. */
const SIZE = 1024;

/** Messages, and messages a second that the producer is allowed. */
const WORKLOADS = {
  rate: { messages: 300_000, rate: 1_000_000 },
  latency: { messages: 10_000, rate: 1000 },
} as const;

interface Figures {
  /** Messages a second that the producer gets acknowledged. */
  readonly rate: number;
  /** Milliseconds from publishing to consuming, for each of PERCENTILES. */
  readonly latency: readonly number[];
}

/** The keys of standalone.conf that we set, but for what a test server has of its own. */
function ourOverrides(directory: string): Record<string, string> {
  const { pulsar } = parseConfig({ pulsar: {} });
  if (pulsar === undefined) throw new Error("unreachable: pulsar is configured");
  const places = layout(directory);
  const files = { locations: join(directory, "entry_location_rocksdb.conf"), ledgers: join(directory, "ledger_metadata_rocksdb.conf") };
  writeFileSync(files.locations, entryLocationRocksdbConf());
  writeFileSync(files.ledgers, ledgerMetadataRocksdbConf());
  const text = standaloneConf(pulsar, {
    data: places.data("pulsar"),
    logs: places.logs,
    javaHome: "",
    entryLocationRocksdbConf: files.locations,
    ledgerMetadataRocksdbConf: files.ledgers,
    tieredStorage: undefined,
    auth: undefined,
    loopback: "lo",
  });
  const entries = text.split("\n").flatMap((line) => {
    const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
    return key === "" || /ServicePort|bookieId|listeningInterface/.test(key) ? [] : [[key, value] as const];
  });
  return Object.fromEntries(entries);
}

/** Publishes to a topic of its own, and consumes it at the same time. */
async function measure(
  server: PulsarServer,
  name: string,
  { messages, rate }: (typeof WORKLOADS)[keyof typeof WORKLOADS],
): Promise<Figures> {
  const path = `persistent/public/default/${name}`;
  const topic = path.replace("/", "://");
  const count = ["--num-messages", String(messages)];
  await server.admin("PUT", path);
  const consumer = server.perf("consume", ...count, topic);
  // Messages that were published before would count as late.
  await eventually("there is a consumer", 60, async () => {
    const { text } = await server.admin("GET", `${path}/stats`);
    return (JSON.parse(text) as { subscriptions: Record<string, { consumers: unknown[] }> }).subscriptions["sub"]?.consumers.length === 1;
  });
  const produced = await server.perf("produce", ...count, "--rate", String(rate), "--size", String(SIZE), topic);
  const consumed = await consumer;
  const figure = (text: string, pattern: string) => Number(new RegExp(pattern).exec(text)?.[1] ?? NaN);
  return {
    rate: figure(produced, "Aggregated throughput stats --- .*? --- +([\\d.]+) msg/s"),
    latency: PERCENTILES.map((percent) =>
      figure(consumed, `Aggregated latency stats --- .*${percent === 50 ? "med:" : `- ${percent}pct:`} +([\\d.]+)`),
    ),
  };
}

/** Prints the rate and the latency with our config and with a bare one, and the price of fsync. */
export async function benchPulsar(): Promise<void> {
  const directory = temporaryDirectory();
  const memory = "-Xms1024m -Xmx2048m -XX:MaxDirectMemorySize=512m";
  const started: PulsarServer[] = [];
  const start = async (overrides: Record<string, string>) => {
    const server = await PulsarServer.start(overrides, memory);
    started.push(server);
    return server;
  };
  try {
    const ours = await start(ourOverrides(directory));
    for (const [other, overrides] of [
      ["bare", { journalSyncData: "true" }],
      ["without fsync", { journalSyncData: "false" }],
    ] as const) {
      const server = await start(overrides);
      const measured = async (workload: keyof typeof WORKLOADS): Promise<(readonly [Figures, Figures])[]> => {
        const pairs: (readonly [Figures, Figures])[] = [];
        // The first of each makes Java compile.
        for (let pair = 0; pair <= PAIRS; pair++) {
          const name = `${workload}-${other.replaceAll(" ", "-")}-${pair}`;
          pairs.push([await measure(ours, name, WORKLOADS[workload]), await measure(server, name, WORKLOADS[workload])]);
        }
        return pairs.slice(1);
      };
      const rates = await measured("rate");
      printPairs(
        "Pulsar, one producer and consumer (messages/s)",
        other,
        rates.map(([mine, theirs]) => [mine.rate, theirs.rate]),
        0,
      );
      const latencies = await measured("latency");
      for (const [index, percent] of PERCENTILES.entries())
        printPairs(
          `publish to consume, ${percent} % within (ms)`,
          other,
          latencies.map(([mine, theirs]) => [mine.latency[index] ?? NaN, theirs.latency[index] ?? NaN]),
          1,
        );
      started.pop();
      await server.stop();
    }
  } finally {
    for (const server of started) await server.stop();
    removeDirectory(directory);
  }
}

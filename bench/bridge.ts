// What our bridge template costs: messages a second from JetStream to Pulsar, against the barest config between the same two servers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Benthos } from "../test/support/benthos";
import { NatsServer } from "../test/support/nats-server";
import { PulsarServer } from "../test/support/pulsar-server";
import { eventually, removeDirectory, temporaryDirectory } from "../test/support/temporary";
import { printPairs } from "./statistics";

const MESSAGES = Number(process.env["BRIDGE_MESSAGES"] ?? 10_000);
const PAIRS = 7;

const BARE = `
input: { nats_jetstream: { urls: ["\${NATS_URL}"], stream: load, durable: "\${BRIDGE_CONSUMER}", bind: true } }
output: { pulsar: { url: "\${PULSAR_URL}", topic: "persistent://public/default/bare" } }
`;

/** Prints the rates of both and their ratios. */
export async function benchBridge(): Promise<void> {
  const directory = temporaryDirectory();
  const consumers = ["bare-warm-up", ...Array.from({ length: PAIRS }, (_, pair) => [`ours-${pair}`, `bare-${pair}`]).flat()];
  const nats = await NatsServer.start({
    load: { preset: "eventLog", subjects: ["load.>"], consumers: Object.fromEntries(consumers.map((name) => [name, {}])) },
    "dead-letters": { preset: "eventLog", subjects: ["dead-letters.>"] },
  });
  const pulsar = await PulsarServer.start({}, "-Xms256m -Xmx512m -XX:MaxDirectMemorySize=256m");
  const environment = {
    NATS_URL: nats.url,
    NATS_MONITORING_URL: nats.monitoringUrl,
    PULSAR_URL: pulsar.serviceUrl,
    PULSAR_HEALTH_URL: `${pulsar.adminUrl}/admin/v2/brokers/ready`,
    EVENTS_STREAM: "load",
    CONTENTS: join(directory, "contents"),
  };
  /** Messages a second of one pipeline between its first and its last twentieth, when it runs smoothly. */
  const rate = async (kind: "ours" | "bare", pair: number | "warm-up"): Promise<number> => {
    const consumer = `${kind}-${pair}`;
    const pipeline = kind === "ours" ? "routing/jetstream_to_pulsar" : (["bare", BARE] as const);
    const benthos = await Benthos.start([pipeline], { ...environment, BRIDGE_CONSUMER: consumer });
    /** Waits until a share of the messages is left. */
    const reach = async (share: number) => {
      let left = Infinity;
      await eventually(`${share * 100} % are left`, 300, () => (left = nats.unacknowledged("load", consumer)) <= MESSAGES * share);
      return { left, milliseconds: Date.now() };
    };
    const [start, end] = [await reach(0.95), await reach(0.05)];
    await benthos.remove();
    return ((start.left - end.left) * 1000) / (end.milliseconds - start.milliseconds);
  };
  try {
    writeFileSync(environment.CONTENTS, `${"x".repeat(500)}\n`.repeat(MESSAGES));
    const publish =
      `input: { file: { paths: ["\${CONTENTS}"], scanner: { lines: {} } }, processors: [{ mapping: 'meta id = count("published")' }] }\n` +
      `output: { to_jetstream: { subject: load.x } }\n`;
    const publisher = await Benthos.start([["publish", publish]], environment);
    await eventually("all is published", 300, () => nats.messages("load") === MESSAGES);
    await publisher.remove();
    const pairs: (readonly [ours: number, bare: number])[] = [];
    // The first thousands of messages make Java compile.
    await rate("bare", "warm-up");
    for (let pair = 0; pair < PAIRS; pair++) {
      // In turns, so that neither always finds the warmer Pulsar.
      const first = pair % 2 === 0 ? await rate("ours", pair) : undefined;
      const bare = await rate("bare", pair);
      const ours = first ?? (await rate("ours", pair));
      pairs.push([ours, bare]);
    }
    printPairs("bridge from JetStream to Pulsar (messages/s)", "bare", pairs, 0);
  } finally {
    await nats.remove();
    await pulsar.stop();
    removeDirectory(directory);
  }
}

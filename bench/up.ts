// What bringing up the whole stack of Pulumi.dev.yaml takes: `npm run up` on an empty prefix and an empty state, with everything fetched before, against the
// servers' own cold starts with the same memory, in turn. Prints, judges nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { NatsServer } from "../test/support/nats-server";
import { PulsarServer } from "../test/support/pulsar-server";
import { freePorts } from "../test/support/temporary";
import { TestStack } from "../test/support/test-stack";
import { say } from "./report";
import { SPREAD, spread } from "./statistics";

/** A round takes minutes; BENCH_ROUNDS says how many. */
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);

/** The settings of the worked example with ports of our own. */
export async function workedExample(stack: TestStack): Promise<Record<string, unknown>> {
  const { config } = parse(readFileSync(join(__dirname, "..", "Pulumi.dev.yaml"), "utf8")) as { config: Record<string, object> };
  const all = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("messaging:", ""), value]));
  const [broker, web, bookie, http] = await freePorts(4);
  return {
    ...all,
    hosts: { local: { prefix: stack.prefix } },
    nats: { ...all["nats"], ports: { client: stack.client, monitoring: stack.monitoring } },
    pulsar: { ...all["pulsar"], ports: { broker, web, bookie } },
    benthos: { ...all["benthos"], ports: { http } },
  };
}

/** What some work returns, and how many seconds it took. */
async function timed<Result>(work: () => Promise<Result> | Result): Promise<[result: Result, seconds: number]> {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

/** Prints the times of both and their ratio. */
export async function benchUp(): Promise<void> {
  // Unpacks what the bare servers run from.
  await (await PulsarServer.start()).stop();
  const rounds: { readonly ours: number; readonly pulsar: number; readonly nats: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const stack = await TestStack.forNpmScripts();
    try {
      stack.configureWithoutNats(await workedExample(stack));
      const [up, ours] = await timed(() => stack.npmScript("up"));
      if (up.status !== 0) throw new Error(up.output);
      const destroyed = stack.npmScript("destroy");
      if (destroyed.status !== 0) throw new Error(destroyed.output);
      const [server, pulsar] = await timed(() => PulsarServer.start({}, "-Xms1024m -Xmx2048m -XX:MaxDirectMemorySize=512m"));
      const [other, nats] = await timed(() => NatsServer.start({}));
      await server.stop();
      await other.remove();
      rounds.push({ ours, pulsar, nats });
    } finally {
      stack.dispose();
    }
  }
  const row = (name: string, value: (round: (typeof rounds)[number]) => number, digits = 1) => {
    say(`  ${name.padEnd(44)}${spread(rounds.map(value), digits)}`);
  };
  say(`${"bringing up the worked example (seconds)".padEnd(46)}${SPREAD}`);
  row("npm run up", ({ ours }) => ours);
  row("Pulsar's own cold start", ({ pulsar }) => pulsar);
  row("NATS's own cold start", ({ nats }) => nats);
  row("ratio of each round", ({ ours, pulsar, nats }) => ours / (pulsar + nats), 2);
}

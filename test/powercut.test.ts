// `npm run test:powercut`: publishes with acknowledgements, drops what was not synced to disk, starts again and counts. Not kill -9, which keeps the page cache.
// POWER_CUTS (3) says how often with the durability that is the default; afterwards once without, which must lose messages, or the cut is none.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "../operations/table";
import { Disk, noDisks } from "./support/disk";
import { AcknowledgedLoad } from "./support/nats-client";
import { PulsarRest } from "./support/pulsar-rest";
import { freePorts } from "./support/temporary";
import { TestStack } from "./support/test-stack";

const CUTS = Number(process.env["POWER_CUTS"] ?? 3);

/** How long is published before each cut; shorter than the five seconds after which ext4 writes by itself. */
const MILLISECONDS = 3000;

const EVENTS = "persistent/arc/agents/events";

/** Messages that were acknowledged and lost, and how many a second there were. */
interface Cut {
  readonly acknowledged: number;
  readonly lost: number;
  readonly perSecond: number;
}

describe("power failures", { timeout: 3_600_000 }, () => {
  let stack: TestStack;
  let disk: Disk;
  let pulsar: PulsarRest;
  let ports: { broker: number; web: number; bookie: number };

  before(async () => {
    const reason = noDisks();
    if (reason !== undefined) throw new Error(`no power can be cut here: ${reason}`);
    stack = await TestStack.forPulumi();
    disk = new Disk(stack.prefix, join(stack.directory, "disk"), 4096);
    const [broker = 0, web = 0, bookie = 0] = await freePorts(3);
    ports = { broker, web, bookie };
    pulsar = new PulsarRest(web);
  });
  after(() => {
    disk.dispose();
    stack.dispose();
  });

  const up = (durability?: { nats: string; pulsar: string }) => {
    const streams = { events: { preset: "eventLog", subjects: ["events.>"], maxBytes: "200MB" } };
    stack.configure(
      { streams, ...(durability === undefined ? {} : { durability: durability.nats }) },
      {
        pulsar: {
          ports,
          memory: { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" },
          ...(durability === undefined ? {} : { durability: durability.pulsar }),
        },
        namespaces: {
          "arc/agents": {
            retention: { time: "1d", size: "1GB" },
            topics: { events: { subscriptions: { all: { position: "earliest" } } } },
          },
        },
      },
    );
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
  };

  const nats = async (): Promise<Cut> => {
    const load = new AcknowledgedLoad(stack.client, "events.load");
    load.start();
    await sleep(MILLISECONDS);
    disk.cutPower();
    await load.stop();
    up(durability);
    return {
      acknowledged: load.acknowledged.size,
      lost: (await load.lost("events")).length,
      perSecond: Math.round((load.acknowledged.size * 1000) / MILLISECONDS),
    };
  };

  /** One publisher, one request at a time: what is stored is what was acknowledged, or a little more, from the beginning on. */
  const ofPulsar = async (): Promise<Cut> => {
    const before = (await pulsar.backlog(EVENTS, "all")) ?? NaN;
    let acknowledged = 0;
    const end = Date.now() + MILLISECONDS;
    while (Date.now() < end) {
      await pulsar.publish(EVENTS, 20);
      acknowledged += 20;
    }
    disk.cutPower();
    up(durability);
    const stored = ((await pulsar.backlog(EVENTS, "all")) ?? NaN) - before;
    return { acknowledged, lost: Math.max(0, acknowledged - stored), perSecond: Math.round((acknowledged * 1000) / MILLISECONDS) };
  };

  let durability: { nats: string; pulsar: string } | undefined;
  const sums = new Map<string, Cut[]>();
  const cuts = async (name: string, cut: () => Promise<Cut>, times: number) => {
    for (let index = 0; index < times; index++) sums.set(name, [...(sums.get(name) ?? []), await cut()]);
    return (sums.get(name) ?? []).reduce((sum, { lost }) => sum + lost, 0);
  };

  test("with the default durability no acknowledged message is lost", async () => {
    up();
    assert.equal(await cuts("NATS, fsync (default)", nats, CUTS), 0);
    assert.equal(await cuts("Pulsar, fsync (default)", ofPulsar, CUTS), 0);
  });

  test("without it messages are lost, so the cut is one; the table shows what durability costs", async () => {
    durability = { nats: "interval", pulsar: "pageCache" };
    up(durability);
    assert.ok((await cuts("NATS, interval", nats, 1)) > 0);
    assert.ok((await cuts("Pulsar, page cache", ofPulsar, 1)) > 0);
    const rows = [...sums].map(([name, all]) => {
      const sum = (of: (cut: Cut) => number) => all.reduce((total, cut) => total + of(cut), 0);
      return [
        name,
        String(all.length),
        String(sum((cut) => cut.acknowledged)),
        String(sum((cut) => cut.lost)),
        String(Math.round(sum((cut) => cut.perSecond) / all.length)),
      ];
    });
    console.log(table([["durability", "power cuts", "acknowledged", "lost", "messages/s"], ...rows], 1));
  });
});

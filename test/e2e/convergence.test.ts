// Random sequences of edits, faults and runs, under a load of acknowledged messages. After each sequence one up converges, the preview after it is empty, and
// no acknowledged message is lost. CONVERGENCE_SEQUENCES (2) and CONVERGENCE_STEPS (3) say how much. CONVERGENCE_SEED repeats a run; without it `npm test` always
// makes the same sequences, among whose faults is one of every kind, so that a red run is about the change under test, and the soak, which says how many, other ones each time.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Disk, noDisks } from "../support/disk";
import { AcknowledgedLoad } from "../support/nats-client";
import { eventually } from "../support/temporary";
import { TestStack } from "../support/test-stack";

const { CONVERGENCE_SEED, CONVERGENCE_SEQUENCES, CONVERGENCE_STEPS } = process.env;
const SEED = Number(CONVERGENCE_SEED ?? (CONVERGENCE_SEQUENCES === undefined ? 1601 : Math.floor(Math.random() * 2 ** 31)));
const SEQUENCES = Number(CONVERGENCE_SEQUENCES ?? 2);
const STEPS = Number(CONVERGENCE_STEPS ?? 3);

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe(`random sequences of edits, faults and runs, seed ${SEED}`, { timeout: 7_200_000 }, () => {
  const next = random(SEED);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
  const noDisk = noDisks();
  let stack: TestStack;
  let disk: Disk | undefined;
  let load: AcknowledgedLoad;
  /** What is declared beside the stream of the load. */
  let declared: { maxConnections: number; extra: boolean } = { maxConnections: 1000, extra: false };

  before(async () => {
    stack = await TestStack.forNpmScripts();
    if (noDisk === undefined) disk = new Disk(stack.prefix, join(stack.directory, "disk"), 1024);
    else console.log(`no disk of its own (${noDisk}): power failures keep the page cache, and no disk gets full`);
    configure();
    up();
    load = new AcknowledgedLoad(stack.client, "events.load", { inFlight: 4, pauseMilliseconds: 50 });
    load.start();
  });
  after(async () => {
    await load.stop();
    disk?.dispose();
    stack.dispose();
  });

  const configure = () => {
    const stream = (name: string) => ({ preset: "eventLog", subjects: [`${name}.>`], maxBytes: "50MB" });
    const streams = { events: stream("events"), ...(declared.extra ? { extra: stream("extra") } : {}) };
    stack.configure({ maxConnections: declared.maxConnections, jetstream: { maxFileStore: "200MB" }, streams });
  };
  const up = () => {
    const { status, output } = stack.npmScript("up");
    assert.equal(status, 0, output);
  };
  const file = (directory: string, start: string) => {
    const path = join(stack.prefix, directory);
    const name = existsSync(path) ? readdirSync(path).find((each) => each.startsWith(start)) : undefined;
    return name === undefined ? undefined : join(path, name);
  };
  const pid = (service: "nats-server" | "supervisord") => {
    const path = join(stack.prefix, "run", `${service}.pid`);
    return existsSync(path) ? Number(readFileSync(path, "utf8")) : undefined;
  };
  const kill = (service: "nats-server" | "supervisord") => {
    try {
      const running = pid(service);
      if (running !== undefined && running > 0) process.kill(running, "SIGKILL");
    } catch {
      // It is down already.
    }
  };

  const edits: Record<string, () => void> = {
    "declare another limit": () => (declared = { ...declared, maxConnections: 1000 + Math.floor(next() * 1000) }),
    "declare a stream or no longer": () => (declared = { ...declared, extra: !declared.extra }),
    "edit the config by hand": () => {
      const conf = file("etc/nats", "nats-server.conf.");
      if (conf !== undefined) writeFileSync(conf, readFileSync(conf, "utf8").replace(/max_connections: \d+/, "max_connections: 5"));
    },
    "remove the link to the config": () => rmSync(join(stack.prefix, "etc/nats/nats-server.conf"), { force: true }),
    "remove the program": () => rmSync(join(stack.prefix, "opt/nats-server"), { recursive: true, force: true }),
    "edit a script": () => {
      if (existsSync(join(stack.prefix, "opt/messaging/lib.sh"))) appendFileSync(join(stack.prefix, "opt/messaging/lib.sh"), "# edited\n");
    },
    "lose an entry of the ledger": () => {
      const entry = file("var/lib/messaging/ledger/messaging/test", pick(["local-nats-config", "local-gojq", "local-nats-server-service"]));
      if (entry !== undefined) rmSync(entry, { recursive: true });
    },
    "kill the server": () => kill("nats-server"),
    "kill the service manager": () => kill("supervisord"),
  };

  /** Something that happens while an up is at work; the up may fail. */
  const during = async (fault: (pid: number) => void | Promise<void>) => {
    const run = stack.startNpmScript("up");
    run.stdout?.resume();
    run.stderr?.resume();
    const ended = once(run, "exit");
    await Promise.race([ended, sleep(500 + next() * 9000)]);
    await fault(run.pid ?? NaN);
    await ended;
  };
  /** @param target process, or negative the group of it */
  const signal = (target: number, name: NodeJS.Signals) => {
    try {
      process.kill(target, name);
    } catch {
      // It has ended before.
    }
  };
  const faults: Record<string, () => Promise<void>> = {
    "an up": async () => up(),
    "an up that is killed": () => during((pid) => signal(-pid, "SIGKILL")),
    "an up that is interrupted": () => during((pid) => signal(pid, "SIGINT")),
    "pulumi cancel during an up": () => during(() => void stack.npmScript("pulumi", "cancel", "--yes", "--stack", "test")),
    "the power fails during an up": () =>
      during((pid) => {
        signal(-pid, "SIGKILL");
        if (disk !== undefined) disk.cutPower();
        else for (const service of ["supervisord", "nats-server"] as const) kill(service);
      }),
    "a full disk during an up": async () => {
      if (disk === undefined) return;
      const filler = join(stack.prefix, "filler");
      spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=1M"], { stdio: "ignore" });
      await during(() => undefined);
      rmSync(filler, { force: true });
    },
  };

  for (let sequence = 1; sequence <= SEQUENCES; sequence++) {
    test(`sequence ${sequence} of ${SEQUENCES} converges and loses no message`, async (context) => {
      for (let step = 0; step < STEPS; step++) {
        const edit = pick(Object.keys(edits));
        const fault = pick(Object.keys(faults));
        context.diagnostic(`${edit}, then ${fault}`);
        edits[edit]?.();
        configure();
        await faults[fault]?.();
      }
      up();
      const preview = stack.npmScript("preview", "--expect-no-changes");
      assert.equal(preview.status, 0, preview.output);
      assert.equal((await stack.monitor("varz"))?.["max_connections"], declared.maxConnections);
      const before = load.acknowledged.size;
      await eventually("messages are acknowledged again", 20, () => load.acknowledged.size > before);
      await load.stop();
      const lost = await load.lost("events");
      load.start();
      context.diagnostic(`${load.acknowledged.size} messages acknowledged so far, ${lost.length} of them lost`);
      assert.deepEqual(lost, []);
    });
  }
});

import assert from "node:assert/strict";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Drift, seeAndRepair } from "../support/drift";
import { natsDrifts } from "../support/nats-drifts";
import { run } from "../support/processes";
import { TestStack, type Step } from "../support/test-stack";

/** Resource names of steps. */
const names = (steps: readonly Step[]) => steps.map(({ urn }) => urn.split("::").at(-1)).sort();

/** Lines that an update takes away from and adds to an input. */
function changedLines(step: Step | undefined, input: string): { removed: string[]; added: string[] } {
  const [old, now] = [step?.oldState, step?.newState].map((state) => (state?.inputs[input] ?? "").split("\n"));
  assert.ok(old !== undefined && now !== undefined);
  return { removed: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

describe("previews of a running stack", { timeout: 1_800_000 }, () => {
  let stack: TestStack;
  let pid: number;

  before(async () => {
    stack = await TestStack.forPulumi();
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    pid = stack.pid("nats-server");
  });
  after(() => {
    const destroy = stack.operate("destroy");
    stack.dispose();
    assert.equal(destroy.status, 0, destroy.output);
  });

  const untouched = async () => {
    assert.equal(stack.pid("nats-server"), pid);
    assert.equal((await stack.monitor("varz"))?.["max_connections"], 1000);
  };

  test("nothing to do is an empty preview, and an up that does nothing", () => {
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    const up = stack.operate("up", "--expect-no-changes");
    assert.equal(up.status, 0, up.output);
  });

  test("other order of keys and another notation of the same value change nothing", () => {
    stack.configure({ writeDeadline: "10000ms", memory: "0.2GB" });
    assert.deepEqual(stack.changes(), []);
  });

  test("an edited limit is one changed config line, and a digest for the service and its proof; nothing is replaced", () => {
    stack.configure({ maxConnections: 2000 });
    const steps = stack.changes();
    assert.deepEqual(names(steps), ["local-nats-config", "local-nats-server-service", "local-nats-verify"]);
    assert.deepEqual([...new Set(steps.map(({ op }) => op))], ["update"]);
    const step = (name: string) => steps.find(({ urn }) => urn.endsWith(`::${name}`));
    assert.deepEqual(changedLines(step("local-nats-config"), "stdin"), {
      removed: ["max_connections: 1000 # reload"],
      added: ["max_connections: 2000 # reload"],
    });
    for (const [name, key] of [
      ["local-nats-server-service", "CONFIGS=\\S+nats-server\\.conf\\."],
      ["local-nats-verify", "SERVICE_DIGEST="],
    ] as const) {
      const { removed, added } = changedLines(step(name), "stdin");
      assert.match(removed.join("|"), new RegExp(`^${key}[0-9a-f]{12}$`));
      assert.match(added.join("|"), new RegExp(`^${key}[0-9a-f]{12}$`));
    }
    const shown = stack.operate("preview", "--diff").output;
    assert.match(shown, /^ *- max_connections: 1000 # reload\n *\+ max_connections: 2000 # reload$/m);
    stack.configure({});
  });

  const refusals: [string, Record<string, unknown>, Record<string, unknown>, RegExp][] = [
    ["a wrong unit", { memory: "500XB" }, {}, /messaging:nats\.memory: got "500XB"; allowed: a size/],
    ["a negative size", { maxPayload: "-1MB" }, {}, /messaging:nats\.maxPayload: got "-1MB"; allowed: a size/],
    ["an unknown key", { memroy: "500MB" }, {}, /messaging:nats\.memroy: unknown key; allowed: the keys/],
    [
      "a limit over the cap",
      { jetstream: { maxMemoryStore: "300MB" } },
      {},
      /messaging:nats\.jetstream\.maxMemoryStore: got "300MB"; allowed: at most 170MB/,
    ],
    [
      "a component over the budget",
      { memory: "1GB" },
      { ramBudget: "512MB" },
      /messaging:ramBudget: got "512MB"; allowed: at least 1034MB/,
    ],
  ];
  for (const [what, nats, rest, message] of refusals) {
    test(`${what} is refused before anything is touched`, async () => {
      stack.configure(nats, rest);
      for (const operation of ["preview", "up"] as const) {
        const { status, output } = stack.operate(operation);
        assert.notEqual(status, 0);
        assert.match(output, message);
        assert.match(output, /1 problem\(s\) in the stack config; nothing was changed/);
      }
      stack.configure({});
      await untouched();
    });
  }

  test("more than the host's memory is refused", async () => {
    stack.configure({ memory: "900GB" }, { ramBudget: "1TB" });
    assert.match(
      stack.operate("preview").output,
      /messaging:ramBudget: the components are planned with 900034MB, messaging:ramReserve keeps 2GiB, host local has \d+/,
    );
    stack.configure({});
    await untouched();
  });

  test("a port in use is refused with its holder and the config line to change", async () => {
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const address = stranger.address();
    assert.ok(typeof address === "object" && address !== null);
    stack.configure({ ports: { client: address.port, monitoring: stack.monitoring } });
    try {
      const { status, output } = stack.operate("preview");
      assert.notEqual(status, 0);
      assert.match(
        output,
        new RegExp(`messaging:nats\\.ports\\.client: port ${address.port} on host local is held by .*\\(pid ${process.pid}\\)`),
      );
    } finally {
      stranger.close();
      stack.configure({});
    }
    await untouched();
  });

  test("a prefix that another stack lives in is refused", () => {
    const marker = join(stack.prefix, "opt/messaging/stack");
    const own = readFileSync(marker, "utf8");
    writeFileSync(marker, "messaging/other\n");
    const { status, output } = stack.operate("preview");
    writeFileSync(marker, own);
    assert.notEqual(status, 0);
    assert.match(output, /messaging:hosts\.local\.prefix: .* carries stack messaging\/other/);
  });

  test("another prefix or store directory is refused while the messages are in the one of before", async () => {
    stack.configure({}, { hosts: { local: { prefix: join(stack.directory, "elsewhere") } } });
    const prefix = stack.operate("preview");
    stack.configure({ jetstream: { maxFileStore: "1GB", storeDir: join(stack.directory, "elsewhere") } });
    const store = stack.operate("preview");
    stack.configure({});
    assert.notEqual(prefix.status, 0);
    assert.match(prefix.output, /messaging:hosts\.local\.prefix: the stack was deployed into .*, and .*\/elsewhere has nothing of it/);
    assert.notEqual(store.status, 0);
    assert.match(store.output, /data\/nats: .*\/var\/lib\/nats holds \d+ kB, and what runs on .*\/elsewhere would start without them/);
    await untouched();
  });

  const WHERE = "local, supervisord";
  const supervisorctl = "$PREFIX/opt/supervisor/*/bin/supervisorctl -c $PREFIX/etc/supervisor/supervisord.conf";
  const drifts: Drift[] = [
    ...natsDrifts({
      key: "local",
      where: WHERE,
      maxConnections: 1000,
      manager: {
        folder: "supervisor",
        line: ["autorestart=true", "autorestart=false"],
        stop: `${supervisorctl} stop nats-server`,
        reload: `${supervisorctl} signal HUP nats-server`,
      },
      exec: (command) => run("sh", "-c", `PREFIX=${stack.prefix}\n${command}`),
    }),
    {
      name: "script of a task edited",
      where: WHERE,
      edit: () => appendFileSync(join(stack.prefix, "opt/messaging/lib.sh"), "# edited\n"),
      shown: /# found: {4}lib\.sh [0-9a-f]{64}/,
      tasks: ["local-scripts"],
    },
    {
      name: "context of the nats CLI edited",
      where: WHERE,
      edit: () => {
        const file = join(stack.configHome, "nats/context/messaging-test-local.json");
        writeFileSync(file, readFileSync(file, "utf8").replace("127.0.0.1", "127.0.0.2"));
      },
      shown: /# found: .*127\.0\.0\.2/,
      tasks: ["local-nats-context"],
    },
  ];
  for (const drift of drifts) {
    test(`drift: ${drift.name}: seen, repaired, and gone`, async () => {
      await seeAndRepair(stack, drift);
      pid = stack.pid("nats-server");
      await untouched();
    });
  }

  test("previews of a busy server are empty", async () => {
    stack.configure({ streams: { busy: { preset: "eventLog", subjects: ["busy.>"], maxBytes: "100MB" } } });
    assert.equal(stack.operate("up").status, 0);
    const load = stack.startNats(
      "bench",
      "busy.load",
      "--js",
      "--stream",
      "busy",
      "--pub",
      "1",
      "--pubsleep",
      "1ms",
      "--msgs",
      "10000000",
      "--no-progress",
    );
    try {
      for (let preview = 0; preview < Number(process.env["BUSY_PREVIEWS"] ?? 5); preview++) assert.deepEqual(stack.changes(), []);
      assert.equal(load.exitCode, null, "the load went on all the time");
    } finally {
      load.kill("SIGKILL");
    }
    stack.configure({}, { allowDataLoss: ["stream/busy"] });
    assert.equal(stack.operate("up").status, 0);
    stack.configure({});
    assert.equal(stack.operate("up").status, 0);
  });

  test("a stream is declared, and what would lose its messages is refused until it is consented to", async () => {
    const orders = (overrides: Record<string, unknown> = {}) => ({
      streams: {
        orders: {
          preset: "workQueue",
          retention: "limits",
          subjects: ["orders.>"],
          maxBytes: "100MB",
          consumers: { workers: {} },
          ...overrides,
        },
      },
    });
    stack.configure(orders());
    assert.deepEqual(names(stack.changes()), ["local-nats-streams"]);
    assert.equal(stack.operate("up").status, 0);
    assert.match(stack.nats("request", "orders.a", "message").output, /"stream":"orders"/);
    assert.deepEqual(stack.changes(), []);
    stack.nats("publish", "agent.events", "plain subjects are stored nowhere");
    assert.equal(stack.nats("stream", "ls", "--names").output.trim(), "orders");

    const refused =
      /stream\/orders holds 1 messages \(\d+ bytes\); storage file -> memory deletes messages\. To accept the loss, add "stream\/orders" to messaging:allowDataLoss/;
    stack.configure(orders({ storage: "memory", maxBytes: "10MB" }));
    for (const operation of ["preview", "up"] as const) assert.match(stack.operate(operation).output, refused);
    stack.configure({});
    assert.match(stack.operate("preview").output, /stream\/orders is not declared any more and holds 1 messages/);

    stack.configure(orders());
    await seeAndRepair(stack, {
      name: "limit of a stream changed",
      where: WHERE,
      edit: () => void stack.nats("stream", "edit", "orders", "--max-age", "1h", "--force"),
      shown: /# expected: stream\/orders max_age 604800000000000\n *\+ # found: {4}stream\/orders max_age 3600000000000/,
      tasks: ["local-nats-streams"],
    });
    await seeAndRepair(stack, {
      name: "consumer deleted",
      where: WHERE,
      edit: () => void stack.nats("consumer", "rm", "orders", "workers", "--force"),
      shown: /# found: {4}consumer\/orders\/workers absent/,
      tasks: ["local-nats-streams"],
    });

    stack.nats("stream", "add", "FOREIGN", "--subjects", "foreign", "--defaults");
    stack.nats("consumer", "add", "orders", "other", "--pull", "--filter", "orders.other", "--defaults");
    const left = /not manage; it is left alone:\n *consumer\/orders\/other\n *stream\/FOREIGN with 0 messages \(0 bytes\)$/m;
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    assert.match(preview.output, left);
    stack.nats("consumer", "rm", "orders", "other", "--force");
    stack.nats("stream", "rm", "FOREIGN", "--force");

    stack.configure({}, { allowDataLoss: ["stream/orders", "consumer/orders/workers"] });
    const removed = stack.operate("up");
    assert.equal(removed.status, 0, removed.output);
    assert.match(removed.output, /stream\/orders deleted/);
    stack.configure({});
    assert.equal(stack.operate("up").status, 0);
    await untouched();
  });

  test("room for all streams is checked before anything is changed: those that are not declared, and those that are lowered by the same up", async () => {
    const eventLogs = (bytes: Record<string, string>, maxFileStore = "1GB") => ({
      jetstream: { maxFileStore },
      streams: Object.fromEntries(
        Object.entries(bytes).map(([name, maxBytes]) => [name, { preset: "eventLog", subjects: [`${name.slice(0, 3)}.>`], maxBytes }]),
      ),
    });
    assert.equal(stack.nats("stream", "add", "FOREIGN", "--subjects", "foreign", "--max-bytes", "300000000", "--defaults").status, 0);
    stack.configure(eventLogs({ one: "400MB", two: "400MB" }));
    for (const operation of ["preview", "up"] as const) {
      const { status, output } = stack.operate(operation);
      assert.notEqual(status, 0);
      assert.match(
        output,
        /file streams would reserve 1100065536 bytes .* is 1000000000: declared 800000000; FOREIGN, not declared, 300000000\./,
      );
    }
    stack.configure(eventLogs({ one: "300MB", two: "300MB" }));
    assert.equal(stack.operate("up").status, 0);
    stack.configure(eventLogs({ one: "100MB", two: "100MB" }, "600MB"));
    assert.match(stack.operate("preview").output, /one, before it is lowered, 300000000; two, before it is lowered, 300000000\. Make room/);
    stack.configure(eventLogs({ one: "100MB", two: "100MB" }));
    const lowered = stack.operate("up");
    assert.equal(lowered.status, 0, lowered.output);
    // Another name for the same subject: the old stream has it until the end of the up.
    stack.configure(eventLogs({ one: "100MB", twofold: "100MB" }), { allowDataLoss: ["stream/two"] });
    assert.match(
      stack.operate("preview").output,
      /stream\/twofold: subject two\.> belongs to stream two; release it there in one up, take it here in the next/,
    );
    stack.configure({}, { allowDataLoss: ["stream/one", "stream/two"] });
    assert.equal(stack.operate("up").status, 0);
    assert.equal(stack.nats("stream", "rm", "FOREIGN", "--force").status, 0);
    stack.configure({});
    assert.equal(stack.operate("up").status, 0);
    assert.deepEqual(stack.changes(), []);
    await untouched();
  });

  test("a ledger entry in an earlier format is no drift and is written anew by up; one in a later format is refused", async () => {
    const entry = join(stack.prefix, "var/lib/messaging/ledger/messaging/test/local-gojq/inputs");
    const recorded = readFileSync(entry, "utf8");
    writeFileSync(entry, recorded.replace(/^FORMAT=\d+\n/m, ""));
    const steps = stack.changes();
    assert.deepEqual(names(steps), ["local-gojq"]);
    assert.match(changedLines(steps[0], "update").added.join(), /^# in the ledger in an earlier format; last applied /);
    assert.equal(stack.operate("up").status, 0);
    assert.equal(readFileSync(entry, "utf8"), recorded);
    assert.deepEqual(stack.changes(), []);
    writeFileSync(entry, recorded.replace(/^FORMAT=.*$/m, "FORMAT=99"));
    const { status, output } = stack.operate("preview");
    writeFileSync(entry, recorded);
    assert.notEqual(status, 0);
    assert.match(
      output,
      /ledger below .* has format 99, written by a newer version of this project; this one reads up to format \d+: update the clone/,
    );
    await untouched();
  });

  test("a wiped installation is put back, and the data is served again", async () => {
    assert.equal(stack.nats("stream", "add", "KEPT", "--subjects", "kept", "--defaults").status, 0);
    assert.equal(stack.nats("request", "kept", "message").status, 0);
    process.kill(stack.pid("supervisord"), "SIGKILL");
    process.kill(pid, "SIGKILL");
    for (const wiped of ["opt", "etc", "run", "var/lib/messaging"]) rmSync(join(stack.prefix, wiped), { recursive: true });
    assert.equal(names(stack.changes()).length, 13);
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    assert.match(stack.nats("stream", "get", "KEPT", "1").output, /message/);
    assert.deepEqual(stack.changes(), []);
    pid = stack.pid("nats-server");
    await untouched();
  });
});

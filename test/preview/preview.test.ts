import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TestStack, type Step } from "../support/test-stack";

/** Resource names of steps. */
const names = (steps: readonly Step[]) => steps.map(({ urn }) => urn.split("::").at(-1)).sort();

/** Lines that an update takes away from and adds to an input. */
function changedLines(step: Step | undefined, input: string): { removed: string[]; added: string[] } {
  const [old, now] = [step?.oldState, step?.newState].map((state) => (state?.inputs[input] ?? "").split("\n"));
  assert.ok(old !== undefined && now !== undefined);
  return { removed: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

describe("previews of a running stack", { timeout: 600_000 }, () => {
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
      ["local-nats-server-service", "CONFIG_DIGEST"],
      ["local-nats-verify", "SERVICE_DIGEST"],
    ] as const) {
      const { removed, added } = changedLines(step(name), "stdin");
      assert.match(removed.join("|"), new RegExp(`^${key}=[0-9a-f]{12}$`));
      assert.match(added.join("|"), new RegExp(`^${key}=[0-9a-f]{12}$`));
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

  test("a config edited by hand shows as drift, up repairs it, and the next preview is empty", async () => {
    const directory = join(stack.prefix, "etc/nats");
    const candidate = join(directory, readdirSync(directory).find((file) => /\.[0-9a-f]{12}$/.test(file)) ?? "");
    writeFileSync(candidate, readFileSync(candidate, "utf8").replace("max_connections: 1000", "max_connections: 5"));
    const { output } = stack.operate("preview", "--diff");
    assert.match(output, /# expected: .*: max_connections: 1000 # reload\n *\+ # found: {4}.*: max_connections: 5 # reload/);
    assert.ok(names(stack.changes()).includes("local-nats-config"));
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    assert.match(readFileSync(candidate, "utf8"), /max_connections: 1000/);
    assert.deepEqual(stack.changes(), []);
    await untouched();
  });

  test("a stream is declared, and what would lose its messages is refused until it is consented to", async () => {
    const orders = (overrides: Record<string, unknown> = {}) => ({
      streams: { orders: { preset: "workQueue", subjects: ["orders.>"], maxBytes: "100MB", ...overrides } },
    });
    stack.configure(orders());
    assert.deepEqual(names(stack.changes()), ["local-nats-stream-orders"]);
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

    stack.nats("stream", "edit", "orders", "--max-age", "1h", "--force");
    stack.configure(orders());
    assert.match(
      stack.operate("preview", "--diff").output,
      /# expected: stream\/orders max_age 604800000000000\n *\+ # found: {4}stream\/orders max_age 3600000000000/,
    );
    assert.equal(stack.operate("up").status, 0);
    assert.deepEqual(stack.changes(), []);

    stack.configure({}, { allowDataLoss: ["stream/orders"] });
    const removed = stack.operate("up");
    assert.equal(removed.status, 0, removed.output);
    assert.match(removed.output, /stream\/orders deleted/);
    stack.configure({});
    assert.equal(stack.operate("up").status, 0);
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

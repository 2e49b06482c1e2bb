import assert from "node:assert/strict";
import { createUser } from "@nats-io/nkeys";
import { once } from "node:events";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TestStack } from "../support/test-stack";

/** Users as a stack of three services has them. */
const AUTH = {
  users: {
    agents: { publish: ["agent.>", "$JS.API.CONSUMER.MSG.NEXT.orders.worker", "$JS.ACK.>"], subscribe: ["agent.>"] },
    "memory-server": { publish: ["memory.>", "orders.>"], subscribe: ["memory.>", "agent.events"] },
    "llm-server": { account: "llm-server" },
  },
};

const STREAMS = { orders: { preset: "workQueue", maxBytes: "10MB", subjects: ["orders.>"], consumers: { worker: {} } } };

describe("credentials of NATS", { timeout: 900_000 }, () => {
  let stack: TestStack;
  const keys: Record<string, string> = {};

  before(async () => {
    stack = await TestStack.forPulumi();
  });
  after(() => stack.dispose());

  const up = () => {
    const result = stack.operate("up");
    assert.equal(result.status, 0, result.output);
    return result.output;
  };

  /** Notes the current keys, a file each, as clients have them. */
  const takeKeys = () => {
    const { output } = stack.pulumi("stack", "output", "nats", "--json", "--show-secrets", "--stack", "test");
    const { keys: seeds } = JSON.parse(output) as { keys: Record<string, string> };
    for (const [user, seed] of Object.entries(seeds)) {
      keys[user] = join(stack.directory, `${user}.nk`);
      writeFileSync(keys[user], seed, { mode: 0o600 });
    }
    return seeds;
  };

  /** The nats CLI as a user. */
  const as = (user: string, ...args: string[]) => stack.nats("--nkey", keys[user] ?? "", "--timeout", "2s", ...args);

  test("turning them on keeps the streams and their messages", () => {
    stack.configure({ streams: STREAMS });
    up();
    assert.equal(stack.nats("pub", "orders.new", "before").status, 0);
    stack.configure({ streams: STREAMS, auth: AUTH });
    up();
    takeKeys();
    assert.match(as("operator", "stream", "get", "orders", "1").output, /before/);
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
  });

  test("who may do what", () => {
    const stranger = join(stack.directory, "stranger.nk");
    writeFileSync(stranger, createUser().getSeed());
    const refused: [string, () => { status: number | null; output: string }, RegExp][] = [
      ["no credentials", () => stack.nats("pub", "agent.x", "x"), /Authorization Violation/],
      ["another key", () => stack.nats("--nkey", stranger, "pub", "agent.x", "x"), /Authorization Violation/],
      ["a subject without permission", () => as("agents", "pub", "orders.x", "x"), /Permissions Violation/i],
      ["another account's stream", () => as("llm-server", "stream", "info", "orders"), /no Stream|could not pick|not found/i],
    ];
    for (const [what, act, message] of refused) {
      const { status, output } = act();
      assert.ok(status !== 0 && message.test(output), `${what}: ${status} ${output}`);
    }
    for (const [user, ...args] of [
      ["agents", "pub", "agent.events", "x"],
      ["agents", "consumer", "next", "orders", "worker", "--count", "1", "--no-ack"],
      ["memory-server", "req", "orders.new", "x"],
      ["llm-server", "stream", "ls"],
      ["system", "server", "list", "1"],
    ] as const) {
      const { status, output } = as(user, ...args);
      assert.equal(status, 0, `${user} ${args.join(" ")}: ${output}`);
    }
  });

  test("a rotation under traffic loses nothing and locks nobody out", async () => {
    const COUNT = 600;
    const messages = async () => {
      const { state } = JSON.parse(as("operator", "stream", "info", "orders", "--json").output) as { state: { messages: number } };
      return state.messages;
    };
    const rotate = (auth: Record<string, unknown>) => {
      stack.configure({ streams: STREAMS, auth: { ...AUTH, ...auth } });
      up();
    };
    as("operator", "stream", "purge", "-f", "orders");
    const old: Record<string, string> = {};
    for (const [user, file] of Object.entries(keys)) copyFileSync(file, (old[user] = `${file}.old`));
    /** Publishes and consumes for a quarter of a minute at least, as clients that know nothing of a rotation. */
    const traffic = (key: Record<string, string>) => {
      const common = ["--timeout", "5s"];
      const publish = [
        "--nkey",
        key["memory-server"] ?? "",
        ...common,
        "pub",
        "orders.new",
        "{{Count}}",
        "--count",
        String(COUNT),
        "--sleep",
        "25ms",
      ];
      const consume = [
        "--nkey",
        key["agents"] ?? "",
        "--timeout",
        "60s",
        "consumer",
        "next",
        "orders",
        "worker",
        "--count",
        String(COUNT),
        "--ack",
      ];
      return [publish, consume].map(async (args) => {
        const [code] = (await once(stack.startNats(...args), "exit")) as [number | null];
        assert.equal(code, 0, args.join(" "));
      });
    };
    const before = traffic(old);
    rotate({ generation: 2 });
    takeKeys();
    // What connects with a key of either generation now.
    assert.equal(stack.nats("--nkey", old["agents"] ?? "", "pub", "agent.x", "x").status, 0);
    const after = traffic(keys);
    await Promise.all(before);
    rotate({ generation: 2, keepPrevious: false });
    await Promise.all(after);
    assert.equal(await messages(), 0);
    assert.match(stack.nats("--nkey", old["agents"] ?? "", "pub", "agent.x", "x").output, /Authorization Violation/);
  });
});

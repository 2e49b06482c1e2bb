import assert from "node:assert/strict";
import { createUser } from "@nats-io/nkeys";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { roleToken, tokenKey } from "../../config/credentials";
import { TestStack } from "../support/test-stack";
import { freePorts } from "../support/temporary";

/** Users as a stack of three services has them. */
const AUTH = {
  users: {
    agents: { publish: ["agent.>", "$JS.API.CONSUMER.MSG.NEXT.orders.worker", "$JS.ACK.>"], subscribe: ["agent.>"] },
    "memory-server": { publish: ["memory.>", "orders.>"], subscribe: ["memory.>", "agent.events"] },
    "llm-server": { account: "llm-server" },
  },
};

const STREAMS = { orders: { preset: "workQueue", maxBytes: "10MB", subjects: ["orders.>"], consumers: { worker: {} } } };

describe("credentials of NATS", { timeout: 1_200_000 }, () => {
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

  /** The bytes that the keys derive from. */
  const randomBytes = () => {
    const { output } = stack.pulumi("stack", "export", "--show-secrets", "--stack", "test");
    const { deployment } = JSON.parse(output) as { deployment: { resources: { type: string; outputs: Record<string, unknown> }[] } };
    return deployment.resources
      .filter(({ type }) => type.startsWith("random:"))
      .flatMap(({ outputs }) => [outputs["base64"], outputs["hex"]])
      .map((secret) => JSON.parse((secret as { plaintext: string }).plaintext) as string);
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

  test("no secret is anywhere but in its file and, encrypted, in the state", async () => {
    // Everything that processes show to whoever looks while keys are made, sent and read.
    const seen = join(stack.directory, "processes");
    const watcher = spawn("sh", [
      "-c",
      `while :; do for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <"$f"; echo; done; sleep 0.1; done >"$0" 2>/dev/null`,
      seen,
    ]);
    stack.configure({ streams: STREAMS, auth: { ...AUTH, generation: 3 } });
    // In a shell: what the engine logs is more than a pipe of Node's takes. From 7 on it logs the values of all properties in clear.
    const log = join(stack.directory, "engine.log");
    const loud = stack.run(
      "sh",
      "-c",
      `pulumi up --yes --skip-preview --non-interactive --config-file "$0" -v=6 --debug --logtostderr --logflow >"$1" 2>&1`,
      stack.configFile,
      log,
    );
    assert.equal(loud.status, 0, loud.output);
    watcher.kill();
    const canaries = [...Object.values(takeKeys()), ...randomBytes()];
    assert.ok(canaries.length >= 8, `${canaries.length} canaries`);
    stack.configure({ streams: STREAMS, auth: { ...AUTH, generation: 3, keepPrevious: false, users: { agents: {} } } });
    const preview = stack.operate("preview", "--diff", "--show-full-output");
    assert.equal(preview.status, 0, preview.output);
    // A task that has a secret and cannot write it.
    const file = join(stack.prefix, "etc/nats/keys");
    renameSync(file, `${file}.away`);
    writeFileSync(file, "");
    const failed = stack.operate("up");
    assert.notEqual(failed.status, 0, failed.output);
    assert.match(failed.output, /nats-key-agents/);
    rmSync(file);
    renameSync(`${file}.away`, file);
    const drifted = stack.npmScript("drift");
    const told = {
      "what an up logs at verbosity 6": readFileSync(log, "utf8"),
      "the process list": readFileSync(seen, "utf8"),
      "a preview": preview.output,
      "the error of a failing task": failed.output,
      "npm run drift": drifted.output,
      "the exported state": stack.pulumi("stack", "export", "--stack", "test").output,
      "the outputs": stack.pulumi("stack", "output", "--json", "--stack", "test").output,
    };
    for (const [what, text] of Object.entries(told)) {
      assert.ok(text.length > 100, `${what}: ${text}`);
      assert.deepEqual(canaries.filter((canary) => text.includes(canary)).length, 0, what);
    }
    const patterns = join(stack.directory, "canaries");
    writeFileSync(patterns, canaries.join("\n"));
    const holders = stack.run("grep", "-rlF", "-f", patterns, stack.prefix, join(stack.directory, "state")).output.trim().split("\n");
    assert.deepEqual(
      holders.filter((holder) => !holder.startsWith(`${file}/`)),
      [],
    );
    for (const holder of holders) assert.equal(statSync(holder).mode & 0o777, 0o600, holder);
    up();
  });
});

describe("tokens of Pulsar", { timeout: 1_200_000 }, () => {
  let stack: TestStack;
  let url: string;

  before(async () => {
    stack = await TestStack.forPulumi();
    const [broker = 0, web = 0, bookie = 0] = await freePorts(3);
    url = `http://127.0.0.1:${web}`;
    stack.configureWithoutNats({
      pulsar: {
        memory: { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" },
        ports: { broker, web, bookie },
        auth: { roles: ["agents", "memory-server"], tokenLifetime: "1h" },
      },
      namespaces: {
        "arc/agents": { permissions: { agents: ["produce", "consume"] }, topics: { events: {} } },
        "arc/memory": { permissions: { "memory-server": ["produce", "consume"] }, topics: { events: {} } },
      },
    });
  });
  after(() => stack.dispose());

  /** Publishes over REST; the status of the answer. */
  const publish = async (token: string | undefined, namespace = "arc/agents") => {
    const answer = await fetch(`${url}/topics/persistent/${namespace}/events`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        connection: "close",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ producerName: "test", messages: [{ payload: "x" }] }),
    });
    await answer.text();
    return answer.status;
  };

  test("who may do what", async () => {
    const result = stack.operate("up");
    assert.equal(result.status, 0, result.output);
    const { output } = stack.pulumi("stack", "output", "pulsar", "--json", "--show-secrets", "--stack", "test");
    const { tokens } = JSON.parse(output) as { tokens: Record<string, string> };
    const key = readFileSync(join(stack.prefix, "etc/pulsar/token-1.key"), "utf8");
    const now = Math.floor(Date.now() / 1000);
    const table: [string, number, number][] = [
      ["no token", await publish(undefined), 401],
      ["what is no token", await publish("secret"), 401],
      [
        "a token of another key",
        await publish(await roleToken(tokenKey(Buffer.alloc(32)), "agents", { issuedAt: now, expiresAt: now + 60 })),
        401,
      ],
      ["an expired token", await publish(await roleToken(key, "agents", { issuedAt: now - 120, expiresAt: now - 60 })), 401],
      ["the right token on another namespace", await publish(tokens["agents"], "arc/memory"), 401],
      ["the right token", await publish(tokens["agents"]), 200],
    ];
    assert.deepEqual(
      table.map(([what, status]) => [what, status]),
      table.map(([what, , expected]) => [what, expected]),
    );
    const admin = await fetch(`${url}/admin/v2/tenants`, {
      headers: { authorization: `Bearer ${tokens["agents"] ?? ""}`, connection: "close" },
    });
    assert.ok([401, 403].includes(admin.status), `${admin.status}`);
    const file = join(stack.prefix, "etc/pulsar/tokens/agents.token");
    const client = (namespace: string) =>
      stack.run(
        join(stack.prefix, "bin/pulsar-client"),
        "--auth-params",
        `file://${file}`,
        "produce",
        `persistent://${namespace}/events`,
        "--messages",
        "x",
      );
    const accepted = client("arc/agents");
    assert.equal(accepted.status, 0, accepted.output);
    assert.notEqual(client("arc/memory").status, 0);
  });

  test("no token is in the process list, the state in clear, the logs or a readable file", () => {
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
    const tokens = ["admin.token", "tokens/agents.token", "token-1.key"].map((file) =>
      readFileSync(join(stack.prefix, "etc/pulsar", file), "utf8").trim(),
    );
    const patterns = join(stack.directory, "canaries");
    writeFileSync(patterns, tokens.join("\n"));
    assert.equal(stack.run("sh", "-c", 'cat /proc/[0-9]*/cmdline 2>/dev/null | grep -acF -f "$0"', patterns).output.trim(), "0");
    const holders = stack.run("grep", "-rlF", "-f", patterns, stack.prefix, join(stack.directory, "state")).output.trim().split("\n");
    assert.deepEqual(
      holders.filter((holder) => !holder.startsWith(join(stack.prefix, "etc/pulsar/"))),
      [],
    );
    for (const holder of holders) assert.equal(statSync(holder).mode & 0o777, 0o600, holder);
  });
});

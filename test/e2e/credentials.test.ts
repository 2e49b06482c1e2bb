import assert from "node:assert/strict";
import { createUser } from "@nats-io/nkeys";
import { X509Certificate } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { roleToken, tokenKey } from "../../config/credentials";
import { TestStack } from "../support/test-stack";
import { eventually, freePorts } from "../support/temporary";

/** Users as a stack of three services has them. */
const AUTH = {
  users: {
    agents: { publish: ["agent.>", "$JS.API.CONSUMER.MSG.NEXT.orders.worker", "$JS.ACK.>"], subscribe: ["agent.>"] },
    "memory-server": { publish: ["memory.>", "orders.>"], subscribe: ["memory.>", "agent.events"] },
    "llm-server": { account: "llm-server" },
  },
};

const STREAMS = { orders: { preset: "workQueue", maxBytes: "10MB", subjects: ["orders.>"], consumers: { worker: {} } } };

/** Makes a certificate authority that nobody knows. @returns path of its certificate */
function strangeAuthority(stack: TestStack): string {
  const path = join(stack.directory, "strange.pem");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${path}.key`];
  const { status, output } = stack.run("openssl", "req", "-x509", ...key, "-subj", "/CN=strange", "-days", "2", "-out", path);
  assert.equal(status, 0, output);
  return path;
}

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

  /** The settings with users, over TLS. */
  const configure = (auth: Record<string, unknown> = {}, tls: Record<string, unknown> = {}) =>
    stack.configure({ streams: STREAMS, tls, auth: { ...AUTH, ...auth } });

  const authority = () => join(stack.prefix, "etc/tls/ca.pem");

  /** The nats CLI with the key in a file. */
  const withKey = (key: string | undefined, ...args: string[]) =>
    stack.nats("--tlsca", authority(), "--nkey", key ?? "", "--timeout", "2s", ...args);

  /** The nats CLI as a user. */
  const as = (user: string, ...args: string[]) => withKey(keys[user], ...args);

  /** What the server answers to who goes on in clear, until it closes the connection. */
  const inClear = async () => {
    const socket = connect(stack.client, "127.0.0.1");
    await once(socket, "data");
    let answer = "";
    socket.on("data", (bytes: Buffer) => (answer += bytes.toString()));
    // A reset is as good as a close.
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("CONNECT {}\r\nPING\r\n");
    await closed;
    return answer;
  };

  /** Fingerprint of the certificate that the server shows. */
  const shown = async () => {
    const socket = connect(stack.client, "127.0.0.1");
    await once(socket, "data");
    const secure = connectTls({ socket, ca: readFileSync(authority()), servername: "localhost" });
    await once(secure, "secureConnect");
    const certificate = secure.getPeerX509Certificate()?.fingerprint256;
    secure.destroy();
    return certificate;
  };

  const onDisk = () => new X509Certificate(readFileSync(join(stack.prefix, "etc/nats/server.pem"))).fingerprint256;

  test("turning them on, with TLS, keeps the streams and their messages", () => {
    stack.configure({ streams: STREAMS });
    up();
    assert.equal(stack.nats("pub", "orders.new", "before").status, 0);
    configure();
    up();
    takeKeys();
    assert.match(as("operator", "stream", "get", "orders", "1").output, /before/);
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
  });

  test("who may do what", async () => {
    const stranger = join(stack.directory, "stranger.nk");
    writeFileSync(stranger, createUser().getSeed());
    const strange = strangeAuthority(stack);
    const refused: [string, () => { status: number | null; output: string }, RegExp][] = [
      ["no credentials", () => stack.nats("--tlsca", authority(), "pub", "agent.x", "x"), /Authorization Violation/],
      ["another key", () => withKey(stranger, "pub", "agent.x", "x"), /Authorization Violation/],
      [
        "another authority",
        () => stack.nats("--tlsca", strange, "--nkey", keys["agents"] ?? "", "pub", "agent.x", "x"),
        /unknown authority/,
      ],
      ["a subject without permission", () => as("agents", "pub", "orders.x", "x"), /Permissions Violation/i],
      ["another account's stream", () => as("llm-server", "stream", "info", "orders"), /no Stream|could not pick|not found/i],
    ];
    for (const [what, act, message] of refused) {
      const { status, output } = act();
      assert.ok(status !== 0 && message.test(output), `${what}: ${status} ${output}`);
    }
    assert.doesNotMatch(await inClear(), /PONG/);
    const context = stack.run(join(stack.prefix, "opt/nats/current/nats"), "--context", "messaging-test-local", "rtt");
    assert.equal(context.status, 0, context.output);
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
      // The server gets another certificate as well.
      configure(auth, { lifetime: "400d" });
      up();
    };
    const certificate = await shown();
    assert.equal(certificate, onDisk());
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
        const [code] = (await once(stack.startNats("--tlsca", authority(), ...args), "exit")) as [number | null];
        assert.equal(code, 0, args.join(" "));
      });
    };
    const before = traffic(old);
    rotate({ generation: 2 });
    takeKeys();
    // What connects with a key of either generation now.
    assert.equal(withKey(old["agents"], "pub", "agent.x", "x").status, 0);
    assert.notEqual(await shown(), certificate);
    assert.equal(await shown(), onDisk());
    const after = traffic(keys);
    await Promise.all(before);
    rotate({ generation: 2, keepPrevious: false });
    await Promise.all(after);
    assert.equal(await messages(), 0);
    assert.match(withKey(old["agents"], "pub", "agent.x", "x").output, /Authorization Violation/);
  });

  test("no secret is anywhere but in its file and, encrypted, in the state", async () => {
    // Everything that processes show to whoever looks while keys are made, sent and read.
    const seen = join(stack.directory, "processes");
    const watcher = spawn("sh", [
      "-c",
      `while :; do for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <"$f"; echo; done; sleep 0.1; done >"$0" 2>/dev/null`,
      seen,
    ]);
    configure({ generation: 3 });
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
    // Of the keys of TLS a line each: what it is in is the file itself, as the stack never has it.
    const tlsKeys = ["etc/tls/ca.key", "etc/nats/server.key"].map((file) => join(stack.prefix, file));
    const keyLines = tlsKeys.map((path) => readFileSync(path, "utf8").split("\n")[1] ?? "");
    const canaries = [...Object.values(takeKeys()), ...randomBytes(), ...keyLines];
    assert.ok(canaries.length >= 8, `${canaries.length} canaries`);
    configure({ generation: 3, keepPrevious: false, users: { agents: {} } });
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
    writeFileSync(join(file, "agents.nk"), "of another hand\n");
    const drifted = stack.npmScript("drift");
    assert.match(drifted.output, /agents\.nk has another text/);
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
      holders.filter((holder) => !holder.startsWith(`${file}/`) && !tlsKeys.includes(holder)),
      [],
    );
    for (const holder of holders) assert.equal(statSync(holder).mode & 0o777, 0o600, holder);
    up();
  });
});

describe("tokens of Pulsar, and pipelines between it and NATS", { timeout: 1_200_000 }, () => {
  let stack: TestStack;
  let url: string;
  let ports: { broker: number; web: number };
  let plain: { broker: number; web: number; bookie: number };
  let pipelines: string;

  before(async () => {
    stack = await TestStack.forPulumi();
    const [broker = 0, web = 0, bookie = 0, brokerTls = 0, webTls = 0, http = 0] = await freePorts(6);
    plain = { broker, web, bookie };
    ports = { broker: brokerTls, web: webTls };
    url = `http://127.0.0.1:${web}`;
    pipelines = `http://127.0.0.1:${http}`;
    configure();
  });
  after(() => stack.dispose());

  /** Both servers with TLS and users, and pipelines from HTTP through NATS and Pulsar back to NATS. */
  const configure = ({ auth = {}, permitted = ["produce", "consume"] }: { auth?: object; permitted?: string[] } = {}) => {
    const coming = { preset: "eventLog", maxBytes: "10MB" };
    stack.configure(
      {
        auth: {},
        tls: {},
        streams: {
          events: { ...coming, subjects: ["events.>"], consumers: { "pulsar-bridge": {} } },
          coordination: { ...coming, subjects: ["coordination.>"] },
          "dead-letters": { ...coming, subjects: ["dead-letters.>"] },
        },
      },
      {
        pulsar: {
          memory: { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" },
          ports: plain,
          auth: { roles: ["agents", "memory-server"], tokenLifetime: "1h", ...auth },
          tls: { ports },
        },
        namespaces: {
          "arc/agents": {
            permissions: { agents: ["produce", "consume"], pipelines: permitted },
            topics: { events: { subscriptions: { "fan-out": { position: "earliest" } } } },
          },
          "arc/memory": { permissions: { "memory-server": ["produce", "consume"] }, topics: { events: {} } },
        },
        benthos: {
          ports: { http: Number(pipelines.split(":")[2]) },
          environment: { EVENTS_TOPIC: "persistent://arc/agents/events" },
          pipelines: { "ingestion/http_to_jetstream": {}, "routing/jetstream_to_pulsar": {}, "routing/pulsar_to_jetstream": {} },
        },
      },
    );
  };

  /** Messages that have come through all pipelines. */
  const arrived = () => {
    const key = join(stack.prefix, "etc/nats/keys/operator.nk");
    const { output } = stack.nats(
      "--tlsca",
      join(stack.prefix, "etc/tls/ca.pem"),
      "--nkey",
      key,
      "stream",
      "info",
      "coordination",
      "--json",
    );
    return (JSON.parse(output) as { state: { messages: number } }).state.messages / 2;
  };

  /** Hands one message to the first pipeline. */
  const send = async (id: string) => {
    const answer = await fetch(`${pipelines}/ingestion_http_to_jetstream/events`, {
      method: "POST",
      headers: { "Message-Id": id, connection: "close" },
      body: JSON.stringify({ agent: "tester", kind: "n", at: "2026-01-02T03:04:05Z", data: { id } }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };

  test("a pipeline to a namespace that does not permit it is refused", () => {
    configure({ permitted: ["consume"] });
    const { status, output } = stack.operate("preview");
    assert.notEqual(status, 0);
    assert.match(output, /jetstream_to_pulsar\.yaml:\d+: messaging:namespaces\.arc\/agents\.permissions\.pipelines does not have produce/);
    configure();
  });

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
    const ca = join(stack.prefix, "etc/tls/ca.pem");
    const topics = (...args: string[]) =>
      stack.run(
        "curl",
        "-q",
        "-fsS",
        "--noproxy",
        "*",
        "--max-time",
        "10",
        "-H",
        `authorization: Bearer ${tokens["agents"] ?? ""}`,
        ...args,
      );
    const path = `127.0.0.1:${ports.web}/admin/v2/persistent/arc/agents`;
    assert.match(topics("--cacert", ca, `https://${path}`).output, /persistent:\/\/arc\/agents\/events/);
    assert.match(topics("--cacert", strangeAuthority(stack), `https://${path}`).output, /certificate|issuer/i);
    assert.notEqual(topics(`http://${path}`).status, 0);
    const file = join(stack.prefix, "etc/pulsar/tokens/agents.token");
    const client = (namespace: string, trusted = ca) =>
      stack.run(
        join(stack.prefix, "bin/pulsar-client"),
        "--url",
        `pulsar+ssl://127.0.0.1:${ports.broker}`,
        "--tlsTrustCertsFilePath",
        trusted,
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

  test("pipelines go with a key and a token of their own, over TLS", async () => {
    await send("one");
    await eventually("the message arrives", 30, () => arrived() === 1);
    const environment = readFileSync(join(stack.prefix, "etc/benthos/benthos_env.sh"), "utf8");
    assert.match(environment, /PULSAR_URL="pulsar\+ssl:/);
    assert.match(environment, /NATS_TLS="true"/);
    // What whoever reaches its API is told of the pipelines.
    const told = await (await fetch(`${pipelines}/streams/routing_jetstream_to_pulsar`)).text();
    assert.match(told, /to_pulsar/);
    assert.doesNotMatch(told, /eyJ|token/);
  });

  test("no token is in the process list, the state in clear, the logs or a readable file", () => {
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
    const tokens = ["pulsar/admin.token", "pulsar/tokens/agents.token", "pulsar/token-1.key", "benthos/pulsar.token"].map((file) =>
      readFileSync(join(stack.prefix, "etc", file), "utf8").trim(),
    );
    const patterns = join(stack.directory, "canaries");
    writeFileSync(patterns, tokens.join("\n"));
    assert.equal(stack.run("sh", "-c", 'cat /proc/[0-9]*/cmdline 2>/dev/null | grep -acF -f "$0"', patterns).output.trim(), "0");
    const holders = stack.run("grep", "-rlF", "-f", patterns, stack.prefix, join(stack.directory, "state")).output.trim().split("\n");
    assert.deepEqual(
      holders.filter((holder) => !holder.startsWith(join(stack.prefix, "etc/pulsar/"))),
      [join(stack.prefix, "etc/benthos/pulsar.token")],
    );
    for (const holder of holders) assert.equal(statSync(holder).mode & 0o777, 0o600, holder);
  });
});

import assert from "node:assert/strict";
import { createUser } from "@nats-io/nkeys";
import { X509Certificate } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { roleToken, tokenKey } from "../../config/credentials";
import { type Issued, issuedByStranger } from "../support/certificates";
import { EVERY_PATTERN, runClients } from "../support/clients";
import { PostgreSQL } from "../support/postgresql";
import { type Result, TestStack } from "../support/test-stack";
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

/** A client, what it was answered, and what it has to be answered. */
type Row = readonly [client: string, answer: string | number, expected: RegExp];

/** Prints what clients were answered, a line each, and asserts it. */
function holds(context: TestContext, what: string, rows: readonly Row[]): void {
  for (const [client, answer] of rows)
    context.diagnostic(`${what}: ${client}: ${String(answer).trim().replaceAll(/\s+/g, " ").slice(0, 150)}`);
  for (const [client, answer, expected] of rows) assert.match(String(answer), expected, client);
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

  test("who may do what", async (context) => {
    const stranger = join(stack.directory, "stranger.nk");
    writeFileSync(stranger, createUser().getSeed());
    const strange = issuedByStranger(stack.directory).ca;
    const key = keys["agents"] ?? "";
    const exit = ({ status, output }: Result) => `exit code ${status}, ${output}`;
    const operator = stack.run(join(stack.prefix, "opt/nats/current/nats"), "--context", "messaging-test-local", "rtt");
    holds(context, "refused", [
      ["no credentials", exit(stack.nats("--tlsca", authority(), "pub", "agent.x", "x")), /^exit code 1, [^]*Authorization Violation/],
      ["another key", exit(withKey(stranger, "pub", "agent.x", "x")), /^exit code 1, [^]*Authorization Violation/],
      [
        "another authority",
        exit(stack.nats("--tlsca", strange, "--nkey", key, "pub", "agent.x", "x")),
        /^exit code 1, [^]*unknown authority/,
      ],
      ["in clear on the port with TLS", `closed: ${await inClear()}`, /^closed: (?![^]*PONG)/],
      ["a subject without permission", exit(as("agents", "pub", "orders.x", "x")), /^exit code 1, [^]*Permissions Violation/i],
      ["another account's stream", exit(as("llm-server", "req", "$JS.API.STREAM.INFO.orders", "")), /"code":404[^]*stream not found/],
      ["a publish to another account's stream", exit(as("llm-server", "req", "orders.new", "x")), /no responders/i],
    ]);
    const accepted = [
      ["agents", "pub", "agent.events", "x"],
      ["agents", "consumer", "next", "orders", "worker", "--count", "1", "--no-ack"],
      ["memory-server", "req", "orders.new", "x"],
      ["llm-server", "stream", "ls"],
      ["system", "server", "list", "1"],
    ] as const;
    holds(context, "accepted", [
      ["the operator by the context", exit(operator), /^exit code 0,/],
      ["the same stream, the operator", exit(as("operator", "req", "$JS.API.STREAM.INFO.orders", "")), /"name":"orders"/],
      ...accepted.map(([user, ...args]): Row => [`${user}: ${args.join(" ")}`, exit(as(user, ...args)), /^exit code 0,/]),
    ]);
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
    // From here on the server shows what somebody else has issued, and clients have to show what the stack has.
    const tls = { own: issuedByStranger(stack.directory, "own"), clients: ["agents"] };
    // Everything that processes show to whoever looks while keys are made, sent and read.
    const seen = join(stack.directory, "processes");
    const watcher = spawn("sh", [
      "-c",
      `while :; do for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <"$f"; echo; done; sleep 0.1; done >"$0" 2>/dev/null`,
      seen,
    ]);
    configure({ generation: 3 }, tls);
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
    const tlsKeys = ["etc/tls/ca.key", "etc/tls/clients/agents.key", "etc/nats/own.key"].map((file) => join(stack.prefix, file));
    const keyLines = tlsKeys.map((path) => readFileSync(path, "utf8").split("\n")[1] ?? "");
    const canaries = [...Object.values(takeKeys()), ...randomBytes(), ...keyLines];
    assert.ok(canaries.length >= 8, `${canaries.length} canaries`);
    configure({ generation: 3, keepPrevious: false, users: { agents: {} } }, tls);
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
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
  });

  test("the server shows a certificate from the settings, and every client has to show one of the host's", (context) => {
    const strange = issuedByStranger(stack.directory);
    const trusted = join(stack.prefix, "etc/tls/nats-ca.pem");
    const shown = (name: string) => join(stack.prefix, "etc/tls/clients", name);
    const publish = (ca: string, ...certificate: string[]) => {
      const { status, output } = stack.nats(
        "--tlsca",
        ca,
        ...certificate,
        "--nkey",
        keys["agents"] ?? "",
        "--timeout",
        "2s",
        "pub",
        "agent.x",
        "x",
      );
      return `exit code ${status}, ${output}`;
    };
    const own = ["--tlscert", shown("agents.pem"), "--tlskey", shown("agents.key")];
    const operator = stack.run(join(stack.prefix, "opt/nats/current/nats"), "--context", "messaging-test-local", "rtt");
    // Who writes on before it has read why is told less; the server's log says it in any case.
    const cut = /^exit code 1, [^]*(certificate required|unknown certificate authority|bad certificate|broken pipe|connection reset)/;
    holds(context, "refused", [
      ["no certificate", publish(trusted), cut],
      ["a certificate of another authority", publish(trusted, "--tlscert", strange.certificate, "--tlskey", strange.key), cut],
      ["trusts the host's authority, which the server is not of", publish(authority(), ...own), /^exit code 1, [^]*unknown authority/],
    ]);
    const log = readFileSync(join(stack.prefix, "var/log/nats-server.log"), "utf8");
    // A client does not even send a certificate that is of none of the authorities which the server names.
    assert.equal(log.match(/tls: client didn't provide a certificate/g)?.length, 2);
    holds(context, "accepted", [
      ["its certificate and its key", publish(trusted, ...own), /^exit code 0,/],
      ["the operator by the context", `exit code ${operator.status}, ${operator.output}`, /^exit code 0,/],
    ]);
  });
});

/** Of the database's user that the pipelines are. */
const PASSWORD = "canary-password";

/** A CommandConnect of Pulsar's binary protocol, of the client "test": its length, that of the command, and the command. */
const CONNECT = Buffer.from("0000000e0000000a080212060a0474657374", "hex");

/** Files below etc that nobody else may read. */
const SECRETS = [
  "pulsar/admin.token",
  "pulsar/tokens/agents.token",
  "pulsar/token-2.key",
  "benthos/pulsar.token",
  "benthos/POSTGRESQL_DSN.secret",
];

describe("tokens of Pulsar, and pipelines between it and NATS", { timeout: 1_200_000 }, () => {
  let stack: TestStack;
  let url: string;
  let ports: { broker: number; web: number };
  let plain: { broker: number; web: number; bookie: number };
  let pipelines: string;
  let database: PostgreSQL;

  before(async () => {
    stack = await TestStack.forPulumi();
    database = await PostgreSQL.start("of the administrator");
    database.sql("CREATE TABLE events (id text PRIMARY KEY, agent text, kind text, at timestamptz, data jsonb)");
    database.sql(`CREATE ROLE writer LOGIN PASSWORD '${PASSWORD}'; GRANT SELECT, INSERT ON events TO writer`);
    const [broker = 0, web = 0, bookie = 0, brokerTls = 0, webTls = 0, http = 0] = await freePorts(6);
    plain = { broker, web, bookie };
    ports = { broker: brokerTls, web: webTls };
    url = `http://127.0.0.1:${web}`;
    pipelines = `http://127.0.0.1:${http}`;
    configure();
  });
  after(() => {
    stack.dispose();
    database.remove();
  });

  /** Both servers with TLS and users, and pipelines from HTTP through NATS and Pulsar back to NATS. */
  const configure = ({ auth = {}, permitted = ["produce", "consume"], password = PASSWORD, tls = {}, natsTls = {} } = {}) => {
    const coming = { preset: "eventLog", maxBytes: "10MB" };
    stack.configure(
      {
        auth: { users: { agents: {} } },
        tls: natsTls,
        streams: {
          events: { ...coming, subjects: ["events.>"], consumers: { "pulsar-bridge": {}, postgresql: {} } },
          coordination: { ...coming, subjects: ["coordination.>"] },
          "dead-letters": { ...coming, subjects: ["dead-letters.>"] },
        },
      },
      {
        pulsar: {
          memory: { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" },
          ports: plain,
          auth: { roles: ["agents", "memory-server"], tokenLifetime: "1h", ...auth },
          tls: { ports, ...tls },
          switches: { webSocket: true },
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
          pipelines: Object.fromEntries(
            [
              "ingestion/http_to_jetstream",
              "routing/jetstream_to_pulsar",
              "routing/pulsar_to_jetstream",
              "storage/events_to_postgresql",
            ].map((name) => [name, {}]),
          ),
        },
      },
    );
    stack.setSecret("benthos.secrets.POSTGRESQL_DSN", database.dsn.replace("events@", `writer:${password}@`));
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

  /** Messages in the database. */
  const rows = (which = "true") => Number(database.sql(`SELECT count(*) FROM events WHERE ${which}`));

  /** The password of Benthos's API. */
  const password = () => /^user = "messaging:(.*)"$/m.exec(readFileSync(join(stack.prefix, "etc/benthos/api.curl"), "utf8"))?.[1] ?? "";

  /** Headers that prove it to Benthos, over a connection of their own. */
  const withPassword = (text = password()) => ({
    authorization: `Basic ${Buffer.from(`messaging:${text}`).toString("base64")}`,
    connection: "close",
  });

  /** Hands one message to the first pipeline. */
  const send = async (id: string) => {
    const answer = await fetch(`${pipelines}/ingestion_http_to_jetstream/events`, {
      method: "POST",
      headers: { ...withPassword(), "Message-Id": id },
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

  /** Connects with TLS. @returns its version, or the reason of the failure */
  const handshake = async (port: number, authority: string) => {
    const socket = connectTls({ host: "127.0.0.1", port, ca: readFileSync(authority), servername: "localhost" });
    const result = await once(socket, "secureConnect").then(
      () => String(socket.getProtocol()),
      (error: unknown) => (error as Error).message,
    );
    socket.destroy();
    return result;
  };

  /** Asks for a connection in clear, in Pulsar's binary protocol. @returns what came back until it was closed */
  const inClear = async (port: number) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes: Buffer) => (answer += bytes.toString("hex")));
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(CONNECT);
    await closed;
    // An answer of the protocol would be CONNECTED or ERROR, which begin with their length; an alert of TLS begins with 15.
    assert.doesNotMatch(answer, /^0000/);
    return `closed: ${answer}`;
  };

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

  test("who may do what", async (context) => {
    const result = stack.operate("up");
    assert.equal(result.status, 0, result.output);
    const { output } = stack.pulumi("stack", "output", "pulsar", "--json", "--show-secrets", "--stack", "test");
    const { tokens } = JSON.parse(output) as { tokens: Record<string, string> };
    const key = readFileSync(join(stack.prefix, "etc/pulsar/token-1.key"), "utf8");
    const now = Math.floor(Date.now() / 1000);
    const admin = await fetch(`${url}/admin/v2/tenants`, {
      headers: { authorization: `Bearer ${tokens["agents"] ?? ""}`, connection: "close" },
    });
    const strange = issuedByStranger(stack.directory).ca;
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
    const expired = await roleToken(key, "agents", { issuedAt: now - 120, expiresAt: now - 60 });
    const ofAnotherKey = await roleToken(tokenKey(Buffer.alloc(32)), "agents", { issuedAt: now, expiresAt: now + 60 });
    const refused: Row[] = [
      ["no token", await publish(undefined), /401/],
      ["what is no token", await publish("secret"), /401/],
      ["a token of another key", await publish(ofAnotherKey), /401/],
      ["an expired token", await publish(expired), /401/],
      ["the right token on another namespace", await publish(tokens["agents"], "arc/memory"), /401/],
      ["the same over the binary protocol", client("arc/memory").output, /AuthorizationException|not authorized/i],
      ["the right token at the admin API of tenants", admin.status, /401|403/],
      ["another authority, HTTPS", topics("--cacert", strange, `https://${path}`).output, /certificate|issuer/i],
      ["another authority, binary", await handshake(ports.broker, strange), /unable to verify|self.signed|issuer/i],
      ["in clear on the port of HTTPS", topics(`http://${path}`).output, /HTTP\/0.9|reset|Empty reply|error: 400/i],
      ["in clear on the binary port with TLS", await inClear(ports.broker), /^closed: [^]*$/],
    ];
    const accepted: Row[] = [
      ["the right token", await publish(tokens["agents"]), /200/],
      ["the same over TLS, binary", String(client("arc/agents").status), /^0$/],
      ["the same over HTTPS", topics("--cacert", ca, `https://${path}`).output, /persistent:\/\/arc\/agents\/events/],
      ["the right authority, binary", await handshake(ports.broker, ca), /^TLSv1/],
    ];
    holds(context, "refused", refused);
    holds(context, "accepted", accepted);
  });

  test("pipelines go with a key and a token of their own, over TLS", async () => {
    await send("one");
    await eventually("the message arrives", 30, () => arrived() === 1 && rows() === 1);
    const environment = readFileSync(join(stack.prefix, "etc/benthos/benthos_env.sh"), "utf8");
    assert.match(environment, /PULSAR_URL="pulsar\+ssl:/);
    assert.match(environment, /NATS_TLS="true"/);
    // What whoever reaches its API is told of the pipelines.
    for (const [id, template] of Object.entries({
      routing_jetstream_to_pulsar: "to_pulsar",
      storage_events_to_postgresql: "to_postgresql",
    })) {
      const told = await (await fetch(`${pipelines}/streams/${id}`, { headers: withPassword() })).text();
      assert.ok(told.includes(template), told);
      assert.doesNotMatch(told, /eyJ|token|canary/);
    }
  });

  test("who may use Benthos's API", async (context) => {
    const pipeline = `{ "input": { "file": { "paths": ["${join(stack.prefix, "etc/benthos/POSTGRESQL_DSN.secret")}"] } }, "output": { "drop": {} } }`;
    const asked = async (headers: Record<string, string>, path = "streams/reads_secrets", method = "POST") => {
      const answer = await fetch(`${pipelines}/${path}`, { method, headers, ...(method === "POST" ? { body: pipeline } : {}) });
      await answer.text();
      return answer.status;
    };
    const closed = { connection: "close" };
    holds(context, "refused", [
      ["a pipeline, without a password", await asked(closed), /401/],
      ["a pipeline, with another password", await asked(withPassword("password")), /401/],
      ["a message, without a password", await asked(closed, "ingestion_http_to_jetstream/events"), /401/],
      ["metrics, without a password", await asked(closed, "metrics", "GET"), /401/],
    ]);
    holds(context, "accepted", [
      ["a pipeline, with the password", await asked(withPassword()), /200/],
      ["to remove it, with the password", await asked(withPassword(), "streams/reads_secrets", "DELETE"), /200/],
      ["metrics, with the password", await asked(withPassword(), "metrics", "GET"), /200/],
    ]);
    const sample = stack.samples().find(({ service }) => service === "benthos");
    assert.equal(sample?.product?.pipelines?.length, 4);
  });

  test("another password of a database shows as a change and tells nothing, and takes effect", async () => {
    database.sql(`ALTER ROLE writer PASSWORD '${PASSWORD}-2'`);
    configure({ password: `${PASSWORD}-2` });
    const preview = stack.operate("preview", "--diff", "--show-full-output");
    assert.equal(preview.status, 0, preview.output);
    assert.match(preview.output, /benthos-secret-postgresql-dsn/);
    const changed = stack.changes().map(({ urn }) => urn.split("::").pop());
    assert.deepEqual(changed.sort(), ["local-benthos-secret-postgresql-dsn", "local-benthos-service", "local-benthos-verify"]);
    const up = stack.operate("up", "--diff", "--show-full-output");
    assert.equal(up.status, 0, up.output);
    await send("two");
    await eventually("the message arrives", 30, () => rows() === 2);
    // Refused by the database, it says why and not with what, and the pipeline goes on with the right one.
    configure({ password: "canary-wrong" });
    const wrong = stack.operate("up");
    assert.notEqual(wrong.status, 0);
    assert.match(
      wrong.output,
      /messaging:benthos\.secrets\.POSTGRESQL_DSN: the database answers: .*password authentication failed for user \S*writer[^]*untouched/,
    );
    await send("three");
    await eventually("the message arrives", 30, () => rows() === 3);
    configure({ password: `${PASSWORD}-2` });
    const right = stack.operate("preview", "--expect-no-changes");
    assert.equal(right.status, 0, right.output);
    for (const text of [preview.output, up.output, wrong.output, right.output]) assert.doesNotMatch(text, /canary/);
  });

  test("clients in Python, Node and Go prove who they are, over TLS", () => {
    assert.deepEqual(runClients(stack), EVERY_PATTERN);
  });

  test("tokens are renewed under traffic, and nothing fails or is lost", async (context) => {
    const COUNT = 300;
    const old = readFileSync(join(stack.prefix, "etc/pulsar/tokens/agents.token"), "utf8");
    const answers: Record<number, number> = {};
    const renewed = new AbortController();
    const publishing = (async () => {
      while (!renewed.signal.aborted) {
        const status = await publish(old);
        answers[status] = (answers[status] ?? 0) + 1;
        await setTimeout(50);
      }
    })();
    const key = join(stack.prefix, "etc/nats/keys/operator.nk");
    const event = '{"agent":"traffic","kind":"n","at":"2026-01-02T03:04:05Z","data":{"n":{{Count}}}}';
    const into = [
      "--tlsca",
      join(stack.prefix, "etc/tls/ca.pem"),
      "--nkey",
      key,
      "pub",
      "events.x",
      event,
      "--count",
      String(COUNT),
      "--sleep",
      "100ms",
    ];
    const flowing = once(stack.startNats(...into), "exit");
    configure({ auth: { tokenLifetime: "2h" }, password: `${PASSWORD}-2` });
    const [code] = (await once(stack.startUp(), "exit")) as [number];
    assert.equal(code, 0);
    assert.deepEqual(await flowing, [0, null]);
    renewed.abort();
    await publishing;
    await eventually("every message arrives", 60, () => rows("agent = 'traffic'") === COUNT);
    context.diagnostic(
      `publishes with the token before: ${JSON.stringify(answers)} by status; through the pipelines: ${COUNT} of ${COUNT}`,
    );
    assert.deepEqual(Object.keys(answers), ["200"]);
    assert.equal(await publish(readFileSync(join(stack.prefix, "etc/pulsar/tokens/agents.token"), "utf8")), 200);
    assert.notEqual(readFileSync(join(stack.prefix, "etc/pulsar/tokens/agents.token"), "utf8"), old);
    // What leaked is refused as soon as another key signs.
    // From here on both servers ask for certificates, and Pulsar shows what somebody else has issued.
    configure({
      auth: { tokenLifetime: "2h", generation: 2 },
      password: `${PASSWORD}-2`,
      tls: { own: issuedByStranger(stack.directory, "own"), clients: ["agents"] },
      natsTls: { clients: [] },
    });
    const result = stack.operate("up");
    assert.equal(result.status, 0, result.output);
    assert.equal(await publish(old), 401);
    assert.equal(await publish(readFileSync(join(stack.prefix, "etc/pulsar/tokens/agents.token"), "utf8")), 200);
    await send("after");
    await eventually("the message arrives", 30, () => rows("id = 'after'") === 1);
  });

  test("Pulsar shows a certificate from the settings, and every client with TLS has to show one of the host's", async (context) => {
    const strange = issuedByStranger(stack.directory);
    const ca = readFileSync(join(stack.prefix, "etc/tls/pulsar-ca.pem"));
    const ofAgents = (suffix: string) => join(stack.prefix, `etc/tls/clients/agents.${suffix}`);
    /** What the broker answers over TLS to a client that asks for a connection: something of its protocol, or why not. */
    const asked = async (trusted: Buffer, shown?: Pick<Issued, "certificate" | "key">) => {
      const certificate = shown && { cert: readFileSync(shown.certificate), key: readFileSync(shown.key) };
      const socket = connectTls({
        host: "127.0.0.1",
        port: ports.broker,
        ca: trusted,
        servername: "localhost",
        checkServerIdentity: () => undefined,
        ...certificate,
      });
      socket.once("secureConnect", () => socket.write(CONNECT));
      const closed = new Promise<string>((resolve) => socket.once("close", () => resolve("closed")));
      const answered = once(socket, "data").then(
        ([bytes]: Buffer[]) => `answers ${String(bytes?.toString("hex"))}`,
        (error: unknown) => (error as Error).message,
      );
      const answer = await Promise.race([answered, closed]);
      socket.destroy();
      return answer;
    };
    const https = (...args: string[]) => {
      const url = `https://127.0.0.1:${ports.web}/admin/v2/brokers/version`;
      const token = join(stack.prefix, "etc/pulsar/admin.curl");
      return stack.run(
        "curl",
        "-q",
        "-sS",
        "--noproxy",
        "*",
        "--max-time",
        "10",
        "-K",
        token,
        "--cacert",
        join(stack.prefix, "etc/tls/pulsar-ca.pem"),
        ...args,
        url,
      ).output;
    };
    const own = { certificate: ofAgents("pem"), key: ofAgents("key") };
    holds(context, "refused", [
      ["no certificate, binary", await asked(ca), /certificate required|bad certificate/i],
      ["no certificate, HTTPS", https(), /certificate required|bad certificate|SSL/i],
      ["a certificate of another authority, binary", await asked(ca, strange), /unknown ca|certificate|alert/i],
      [
        "trusts the host's authority",
        await asked(readFileSync(join(stack.prefix, "etc/tls/ca.pem")), own),
        /unable to verify|self.signed|issuer/i,
      ],
    ]);
    holds(context, "accepted", [
      ["its certificate, binary", await asked(ca, own), /^answers 0000/],
      ["its certificate, HTTPS", https("--cert", own.certificate, "--key", own.key), /^\d+\.\d+\.\d+/],
    ]);
  });

  test("no token and no password is in the process list, the state in clear, the logs or a readable file", () => {
    const again = stack.operate("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
    const tokens = [...SECRETS.map((file) => readFileSync(join(stack.prefix, "etc", file), "utf8").trim()), password()];
    const patterns = join(stack.directory, "canaries");
    writeFileSync(patterns, tokens.join("\n"));
    assert.equal(stack.run("sh", "-c", 'cat /proc/[0-9]*/cmdline 2>/dev/null | grep -acF -f "$0"', patterns).output.trim(), "0");
    const holders = stack.run("grep", "-rlF", "-f", patterns, stack.prefix, join(stack.directory, "state")).output.trim().split("\n");
    assert.deepEqual(
      holders.filter((holder) => !holder.startsWith(join(stack.prefix, "etc/pulsar/"))).sort(),
      ["etc/benthos/POSTGRESQL_DSN.secret", "etc/benthos/api.curl", "etc/benthos/pulsar.token"].map((file) => join(stack.prefix, file)),
    );
    for (const holder of holders) assert.equal(statSync(holder).mode & 0o777, 0o600, holder);
  });
});

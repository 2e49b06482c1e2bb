import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { PIPELINES } from "../support/benthos";
import { EVERY_PATTERN, runClients } from "../support/clients";
import { commandsOf } from "../support/commands";
import { Disk, noDisks } from "../support/disk";
import { seeAndRepair } from "../support/drift";
import { PulsarRest } from "../support/pulsar-rest";
import { TestStack } from "../support/test-stack";
import { eventually, freePorts } from "../support/temporary";

const FILES = "storage/events_to_files";
const HTTP = "ingestion/http_to_jetstream";
const BRIDGE = "routing/jetstream_to_pulsar";
const DUCKDB = "ingestion/pulsar_to_duckdb";
const NATS_METRICS = "monitoring/nats";
const HOST_METRICS = "monitoring/host";

const MONITORING = join(__dirname, "../../monitoring");
const DOCS = join(__dirname, "../../docs/operations");
const RUNBOOKS = readdirSync(DOCS).filter((name) => name !== "README.md");
const README = "../../README.md";
const LAST = ["move-to-another-host.md", "restore.md"];

const STREAMS = {
  events: { preset: "eventLog", subjects: ["events.>"], maxBytes: "100MB", consumers: { files: {}, "pulsar-bridge": {} } },
  "dead-letters": { preset: "eventLog", subjects: ["dead-letters.>"], maxBytes: "100MB" },
};

/** For how long a healthy stack has no alert at least; `npm run soak` looks longer. */
const SILENT_SECONDS = Number(process.env["SILENT_SECONDS"] ?? 25);

/** Time between drift checks, so that the last one is never stale. */
const CHECK_SECONDS = 25;

/** A pipeline of one line for each end. */
const flow = (input: string, output: string, processors = "") =>
  `input:\n  ${input}\n${processors === "" ? "" : `pipeline:\n  processors:\n    - ${processors}\n`}output:\n  ${output}\n`;

describe("Benthos pipelines on a real engine", { timeout: (1800 + 2 * SILENT_SECONDS) * 1000 }, () => {
  let stack: TestStack;
  let directory: string;
  /** What pipelines write to; where there can be none, nothing fills a disk. */
  let disk: Disk | undefined;
  let ports: { http: number; own: number; broker: number; web: number; bookie: number; prometheus: number };

  before(async () => {
    stack = await TestStack.forPulumi();
    directory = join(stack.directory, "pipelines");
    cpSync(PIPELINES, directory, { recursive: true });
    const [http = 0, own = 0, broker = 0, web = 0, bookie = 0, prometheus = 0] = await freePorts(6);
    ports = { http, own, broker, web, bookie, prometheus };
  });
  after(() => {
    disk?.dispose();
    stack.dispose();
  });

  const configure = (pipelines: readonly string[] | Record<string, object>, overrides: Record<string, unknown> = {}, rest = {}) => {
    const wanted = Array.isArray(pipelines) ? Object.fromEntries(pipelines.map((name: string) => [name, {}])) : pipelines;
    const benthos = { memory: "128MiB", ports: { http: ports.http }, directory, pipelines: wanted, ...overrides };
    stack.configure({ streams: STREAMS }, { benthos, ...rest });
  };
  const write = (pipeline: string, text: string) => writeFileSync(join(directory, `${pipeline}.yaml`), text);
  const up = () => {
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
    assert.deepEqual(stack.changes(), [], "the preview after an up is empty");
    return output;
  };
  const request = (path: string, init: RequestInit = {}, port = ports.http) => {
    const headers = new Headers(init.headers);
    headers.set("connection", "close");
    return fetch(`http://127.0.0.1:${port}/${path}`, { ...init, headers });
  };
  const uptimes = async () => {
    const streams = (await (await request("streams")).json()) as Record<string, { uptime: number }>;
    return Object.fromEntries(Object.entries(streams).map(([id, { uptime }]) => [id, uptime]));
  };
  const send = async (id: string, milliseconds = 60_000) => {
    const answer = await request(`${HTTP.replace("/", "_")}/events`, {
      method: "POST",
      body: JSON.stringify({ agent: "tester", kind: "n", at: "2026-01-02T03:04:05Z", data: { id } }),
      headers: { "Message-Id": id },
      signal: AbortSignal.timeout(milliseconds),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const written = () => {
    const data = join(stack.prefix, "var/lib/benthos");
    const files = existsSync(data) ? readdirSync(data).filter((name) => name.endsWith(".ndjson")) : [];
    return files.flatMap((file) => readFileSync(join(data, file), "utf8").trim().split("\n"));
  };
  const arrives = async (id: string) => {
    await send(id);
    await eventually(`${id} arrives`, 20, () => written().some((line) => line.includes(id)));
  };
  const drift = () => {
    const rows = stack.changes().map(({ urn, newState }) => [urn.split("::").pop() ?? "", newState?.inputs["update"] ?? ""] as const);
    return new Map(rows);
  };

  test("what is wrong with pipelines is refused at preview with the place and the fix, all at once", async () => {
    const [nobody = 0] = await freePorts(1);
    write(
      "routing/broken_mapping",
      flow("from_jetstream: { stream: events, consumer: files }", 'to_files: { path: "x" }', "mapping: root = this.("),
    );
    write("routing/unknown_template", flow("from_jetstream: { stream: events, consumer: files }", 'to_filez: { path: "x" }'));
    write("routing/missing_field", flow("from_jetstream: { stream: events, consumer: files }", "to_files: {}"));
    write(
      "routing/missing_resource",
      flow("from_jetstream: { stream: events, consumer: files }", 'to_files: { path: "x" }', "resource: nope"),
    );
    write("routing/no_stream", flow("from_jetstream: { stream: evnts, consumer: files }", 'to_files: { path: "x" }'));
    write("routing/circle", flow("from_jetstream: { stream: events, consumer: files }", "to_jetstream: { subject: events.again }"));
    write(
      "routing/failing",
      flow("from_jetstream: { stream: events, consumer: files }", 'to_files: { path: "x" }', "mapping: root = content().uppercase()"),
    );
    writeFileSync(
      join(directory, "routing/failing_benthos_test.yaml"),
      "tests:\n  - name: lower case\n    target_processors: /pipeline/processors\n    input_batch: [{ content: a }]\n    output_batches: [[{ content_equals: a }]]\n",
    );
    const broken = ["broken_mapping", "unknown_template", "missing_field", "missing_resource", "no_stream", "circle", "failing"];
    configure([...broken.map((name) => `routing/${name}`), "storage/events_to_postgresql"], {
      environment: { POSTGRESQL_DSN: `postgres://127.0.0.1:${nobody}/events` },
    });
    const { status, output } = stack.operate("preview");
    assert.notEqual(status, 0);
    for (const problem of [
      /broken_mapping\.yaml:5: .*expected query/,
      /unknown_template\.yaml:\d+: .*to_filez/,
      /missing_field\.yaml:\d+: field path is required/,
      /missing_resource\.yaml:5: no resource is labelled nope; there are /,
      /no_stream\.yaml:2: messaging:nats\.streams has no stream evnts/,
      /circle\.yaml:4: messages go round: events -\(.*circle\.yaml\)-> events/,
      /lower case \[line 2\]/,
      /expected: a/,
      /events_to_postgresql\.yaml:\d+: messaging:nats\.streams\.events\.consumers has no postgresql/,
    ]) {
      assert.match(output, problem);
    }
    configure({ [FILES]: {}, "routing/typo": {} }, { environment: { POSTGRESQL_DSN: "postgres://user:secret@127.0.0.1/events" } });
    const refused = stack.operate("preview").output;
    assert.match(refused, /messaging:benthos\.environment\.POSTGRESQL_DSN: .*allowed: no password/);
    assert.match(refused, /messaging:benthos\.pipelines\.routing\/typo: got \{\}; allowed: a file of .*routing\/jetstream_to_pulsar/);
    for (const name of broken) rmSync(join(directory, `routing/${name}.yaml`));
    rmSync(join(directory, "routing/failing_benthos_test.yaml"));
    assert.ok(!existsSync(stack.prefix));
  });

  test("an up runs the pipelines; nothing listens beyond loopback", async () => {
    if (noDisks() === undefined) disk = new Disk(join(stack.prefix, "var/lib/benthos"), join(stack.directory, "disk"), 256);
    configure([HTTP, FILES]);
    up();
    await arrives("first");
    assert.deepEqual(stack.listenersBeyondLoopback("benthos"), []);
    assert.equal((await request("ready")).status, 200);
    const benthos = stack.samples().find(({ service }) => service === "benthos")?.product;
    assert.deepEqual(
      benthos?.pipelines?.map(({ name, received, sent, errors, openBreakers }) => [name, received, sent, errors, openBreakers]),
      ["ingestion_http_to_jetstream", "storage_events_to_files"].map((name) => [name, 1, 1, 0, []]),
    );
    assert.deepEqual(benthos.shared, { errors: 0, deadLetters: {}, openBreakers: [] });
  });

  test("a changed pipeline is replaced while the others run; added and removed ones too", async () => {
    const pid = stack.pid("benthos");
    write(FILES, readFileSync(join(directory, `${FILES}.yaml`), "utf8").replace("pipeline:\n", "pipeline:\n  threads: 2\n"));
    assert.deepEqual([...drift().keys()], ["local-benthos-config", "local-benthos-service"]);
    assert.match(stack.operate("preview", "--diff").output, /^ *\+ +threads: 2$/m);
    assert.match(up(), /benthos \S+ running \(reload\)/);
    let running = await uptimes();
    assert.ok((running["storage_events_to_files"] ?? 0) + 1 < (running["ingestion_http_to_jetstream"] ?? 0), JSON.stringify(running));
    await arrives("second");
    write(
      "storage/copies",
      flow("from_jetstream: { stream: events, consumer: pulsar-bridge }", 'to_files: { path: "${DATA}/copies.ndjson" }'),
    );
    configure([HTTP, FILES, "storage/copies"]);
    assert.match(up(), /benthos \S+ running \(reload\)/);
    await eventually("the new pipeline catches up", 20, () => existsSync(join(stack.prefix, "var/lib/benthos/copies.ndjson")));
    // This one alone has no unit tests.
    configure(["storage/copies"]);
    assert.match(up(), /benthos \S+ running \(reload\)/);
    configure([HTTP, FILES]);
    assert.match(up(), /benthos \S+ running \(reload\)/);
    running = await uptimes();
    assert.deepEqual(Object.keys(running).sort(), ["ingestion_http_to_jetstream", "storage_events_to_files"]);
    assert.equal(stack.pid("benthos"), pid);
  });

  test("a pipeline whose downstream is not there is rolled back, the rest goes on, and the next up repairs it", async () => {
    write(
      "storage/nowhere",
      flow("from_jetstream: { stream: events, consumer: pulsar-bridge }", "nats: { urls: [nats://127.0.0.1:1], subject: x }"),
    );
    configure([HTTP, FILES, "storage/nowhere"]);
    const { status, output } = stack.operate("up");
    assert.notEqual(status, 0);
    assert.match(output, /not all of its pipelines are connected: .*storage_nowhere/);
    assert.match(output, /Switched back: benthos runs as it did before/);
    await arrives("third");
    configure([HTTP, FILES]);
    up();
  });

  test("drift of every kind is shown and repaired", async () => {
    const pid = stack.pid("benthos");
    process.kill(pid, "SIGKILL");
    await eventually(
      "it is back",
      30,
      async () => stack.pid("benthos") !== pid && (await request("ping").catch(() => undefined))?.status === 200,
    );
    assert.deepEqual(stack.changes(), []);

    const foreign = flow("generate: { mapping: root = 1, interval: 1s }", "drop: {}");
    await seeAndRepair(stack, {
      name: "pipeline replaced through the streams API",
      where: "local, supervisord",
      edit: async () => {
        assert.equal((await request("streams/storage_events_to_files", { method: "PUT", body: foreign })).status, 200);
        assert.equal((await request("streams/foreign", { method: "POST", body: foreign })).status, 200);
      },
      shown:
        /expected: in effect: pipeline storage_events_to_files runs \w+\n[^]*found: +in effect: pipeline foreign runs[^]*found: +in effect: pipeline storage_events_to_files runs what is not in its file/,
      tasks: ["local-benthos-service"],
    });
    await arrives("fourth");

    const live = join(stack.prefix, "etc/benthos/config/streams", `${HTTP}.yaml`);
    writeFileSync(live, readFileSync(live, "utf8").replace("path: /events", "path: /elsewhere"));
    const found = drift().get("local-benthos-config") ?? "";
    assert.match(found, /found: +streams\/ingestion\/http_to_jetstream\.yaml: +path: \/elsewhere/);
    up();
    await arrives("fifth");
  });

  test("a change of the environment restarts the process; a pipeline can have a process of its own", async () => {
    const pid = stack.pid("benthos");
    configure({ [HTTP]: {}, [FILES]: { process: { port: ports.own, memory: "96MiB" } } }, { environment: { UNUSED: "changed" } });
    assert.match(up(), /benthos-storage_events_to_files \S+ running \(restart\)/);
    assert.notEqual(stack.pid("benthos"), pid);
    await arrives("sixth");
    assert.match(await (await request("streams", {}, ports.own)).text(), /storage_events_to_files/);
    assert.doesNotMatch(await (await request("streams")).text(), /storage_events_to_files/);
  });

  test("with Pulsar an up proves the way from NATS to DuckDB without loss", async () => {
    const { broker, web, bookie } = ports;
    const topic = { arc: "persistent://arc/agents/events" };
    const pulsar = {
      memory: { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" },
      ports: { broker, web, bookie },
      switches: { webSocket: true },
    };
    const subscriptions = { duckdb: { position: "earliest" } };
    const namespaces = { "arc/agents": { retention: { time: "1d", size: "1GB" }, topics: { events: { subscriptions } } } };
    const monitoring = { scrapeInterval: "3s", alertWindow: "20s", driftCheckMaxAge: "45s", ports: { web: ports.prometheus } };
    const environment = { EVENTS_TOPIC: topic.arc, NATS_METRICS_INTERVAL: "1s", HOST_METRICS_INTERVAL: "1s" };
    configure([HTTP, FILES, BRIDGE, DUCKDB, NATS_METRICS, HOST_METRICS], { environment }, { pulsar, namespaces, monitoring });
    const output = up();
    const [, published, arrived, lost] = /DuckDB: (\d+) messages published, (\d+) arrived, (\d+) lost; latency/.exec(output) ?? [];
    assert.deepEqual([published, arrived, lost], ["100", "100", "0"], output);
    await arrives("seventh");
    const duckdb = join(stack.prefix, "opt/duckdb/current/duckdb");
    const ids = "SELECT string_agg(DISTINCT id ORDER BY id) FROM events";
    const database = join(stack.prefix, "var/lib/benthos/events.duckdb");
    // A reader locks the file for as long as it looks, so it looks seldom; the first two were consumed by another pipeline meanwhile.
    let rows = "";
    const all = async () => {
      await setTimeout(1000);
      rows = stack.run(duckdb, "-readonly", "-noheader", "-list", database, ids).output.trim();
      return ["fifth", "fourth", "seventh", "sixth", "third"].every((id) => rows.split(",").includes(id));
    };
    await eventually("all events are rows", 60, all).catch((error: unknown) => {
      const log = readFileSync(join(stack.prefix, "var/log/benthos.log"), "utf8");
      throw new Error(`${String(error)}; there are: ${rows}\n${log}`);
    });
    const { outputs } = JSON.parse(stack.pulumi("stack", "output", "benthos", "--json").output.replace(/^/, '{"outputs":').concat("}")) as {
      outputs: { apiUrl: string; pipelines: Record<string, string> };
    };
    assert.equal(outputs.apiUrl, `http://127.0.0.1:${ports.http}`);
    assert.deepEqual(
      Object.keys(outputs.pipelines).sort(),
      [BRIDGE, DUCKDB, FILES, HTTP, HOST_METRICS, NATS_METRICS].map((name) => name.replace("/", "_")).sort(),
    );
  });

  test("alerts are silent on a healthy stack, and fire on their causes", async () => {
    const ask = async <Answer>(path: string) => {
      const answer = await fetch(`http://127.0.0.1:${ports.prometheus}/api/v1/${path}`, { headers: { connection: "close" } });
      assert.equal(answer.status, 200, path);
      return ((await answer.json()) as { data: Answer }).data;
    };
    const query = async (expression: string) =>
      (
        await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
          `query?query=${encodeURIComponent(expression)}`,
        )
      ).result;
    const names = async (expression: string) => (await query(expression)).map(({ metric }) => metric["alertname"] ?? "").sort();
    const FIRING = 'ALERTS{alertstate="firing"}';
    // Some last no longer than the window.
    const fire = async (...wanted: string[]) => {
      let fired: string[] = [];
      await eventually(`${wanted.join(", ")} fire`, 90, async () => {
        fired = await names(`last_over_time(${FIRING}[5m])`);
        return wanted.every((name) => fired.includes(name));
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; these did: ${fired.join(", ")}`);
      });
    };
    const nats = (...args: string[]) => {
      const { status, output } = stack.run(
        join(stack.prefix, "opt/nats/current/nats"),
        "--server",
        `nats://127.0.0.1:${stack.client}`,
        ...args,
      );
      assert.equal(status, 0, output);
    };

    await eventually("everything is scraped", 60, async () => {
      const services = (await query("up == 1")).map(({ metric }) => metric["service"]).sort();
      return services.join() === "benthos,prometheus,pulsar" && (await query("gnatsd_up == 1")).length === 1;
    });
    for (let seconds = 0; seconds < SILENT_SECONDS; seconds += CHECK_SECONDS) {
      assert.equal(stack.npmScript("drift").status, 0);
      await send(`silent-${seconds}`);
      await setTimeout(CHECK_SECONDS * 1000);
      // From the second look on also what has fired in between.
      assert.deepEqual(await names(seconds === 0 ? FIRING : `last_over_time(${FIRING}[${CHECK_SECONDS}s])`), []);
    }

    if (disk !== undefined) {
      const { bsize, blocks, bavail } = statfsSync(disk.directory);
      writeFileSync(join(disk.directory, "filling"), Buffer.alloc(bsize * (bavail - Math.ceil(blocks * 0.03))));
    }
    const live = join(stack.prefix, "etc/benthos/config/streams", `${HTTP}.yaml`);
    const applied = readFileSync(live, "utf8");
    writeFileSync(live, `${applied}# by hand\n`);
    assert.equal(stack.npmScript("drift").status, 2);

    for (const [stream, limit] of [
      ["tight", "1MB"],
      ["growing", "100MB"],
    ] as const)
      nats("stream", "add", stream, "--subjects", `${stream}.>`, "--max-bytes", limit, "--defaults");
    nats("consumer", "add", "growing", "idle", "--pull", "--defaults");
    nats("pub", "tight.x", "x".repeat(1000), "--count", "950");
    nats("pub", "growing.x", "x", "--count", "1100");
    const more = spawn(join(stack.prefix, "opt/nats/current/nats"), [
      ...["--server", `nats://127.0.0.1:${stack.client}`, "pub", "growing.x", "x", "--count", "100000", "--sleep", "100ms"],
    ]);
    const deaf: Socket[] = [];
    const subscribeDeaf = (subject: string) => {
      const socket = connect(stack.client, "127.0.0.1", () => socket.write(`CONNECT {}\r\nSUB ${subject} 1\r\n`));
      deaf.push(socket.on("error", () => undefined).pause());
    };
    subscribeDeaf("flood");
    await setTimeout(500);
    nats("pub", "flood", "x".repeat(100_000), "--count", "400");
    await request(`${HTTP.replace("/", "_")}/events`, { method: "POST", body: '{"kind":"without an agent"}' });
    const pulsar = new PulsarRest(ports.web);
    const unacknowledged = "namespaces/public/default/maxUnackedMessagesPerSubscription";
    await pulsar.admin("POST", unacknowledged, 5);
    await pulsar.admin("PUT", "persistent/public/default/waiting");
    await pulsar.admin("PUT", "persistent/public/default/waiting/subscription/idle", { ledgerId: -1, entryId: -1 });
    const consumer = `ws://127.0.0.1:${ports.web}/ws/v2/consumer/persistent/public/default/waiting/silent?subscriptionType=Shared`;
    const silent = spawn(process.execPath, ["--experimental-websocket", "--eval", "new WebSocket(process.argv[1])", consumer]);
    try {
      await eventually("what grows, is blocked or takes too much memory fires", 120, async () => {
        await pulsar.publish("persistent/public/default/waiting", 600);
        // Less for each than what it is cut off at; the server keeps it until it gives up writing.
        for (let client = 0; client < 20; client++) subscribeDeaf("memory");
        await setTimeout(300);
        nats("pub", "memory", "x".repeat(100_000), "--count", "150");
        await setTimeout(3000);
        const fired = await names(`last_over_time(${FIRING}[5m])`);
        return ["MemoryNearCap", "PulsarBacklogGrows", "SubscriptionBlocked"].every((name) => fired.includes(name));
      });
      silent.kill();
      await pulsar.admin("DELETE", "persistent/public/default/waiting?force=true");
      await pulsar.admin("DELETE", unacknowledged);
      process.kill(stack.pid("pulsar"), "SIGSTOP");
      const full = disk === undefined ? [] : ["DiskFull", "DiskNearlyFull"];
      await fire("DeadLetters", ...full, "Drift", "JetStreamBacklogGrows", "ServiceDown", "SlowConsumers", "StreamNearLimit");
      const status = stack.samples().find(({ service }) => service === "prometheus")?.product;
      assert.ok(status?.alerts?.includes("ServiceDown (service pulsar)"), JSON.stringify(status));
    } finally {
      process.kill(stack.pid("pulsar"), "SIGCONT");
      more.kill();
      silent.kill();
      for (const socket of deaf) socket.destroy();
    }
    nats("stream", "purge", "tight", "--force");
    nats("stream", "purge", "growing", "--force");

    if (disk !== undefined) rmSync(join(disk.directory, "filling"));
    writeFileSync(live, applied);
    // As an up by a newer clone leaves it.
    const entry = join(stack.prefix, "var/lib/messaging/ledger/messaging/test/local-benthos-config/inputs");
    const inputs = readFileSync(entry, "utf8");
    writeFileSync(entry, inputs.replace(/^FORMAT=.*$/m, "FORMAT=999"));
    assert.equal(stack.npmScript("drift").status, 1);
    writeFileSync(entry, inputs);

    process.kill(stack.pid("nats-server"), "SIGSTOP");
    await send("unsent", 2000).catch(() => undefined);
    await fire("BreakerOpen", "DriftCheckFailed", "NatsDown");
    for (let restart = 0; restart < 2; restart++) {
      const start = await query("gnatsd_varz_start");
      process.kill(stack.pid("nats-server"), "SIGKILL");
      await eventually("NATS is back", 30, async () => (await query("gnatsd_varz_start > " + (start[0]?.value[1] ?? ""))).length === 1);
    }
    await fire("DriftCheckStale", "RestartsAgain");
    nats("stream", "rm", "tight", "--force");
    nats("stream", "rm", "growing", "--force");
    // A breaker closes when a message gets through.
    await send("again");
    await eventually("all but the last drift check is silent again", 90, async () =>
      (await names(FIRING)).every((name) => name.startsWith("Drift")),
    );
    assert.equal(stack.npmScript("drift").status, 0);
    await eventually("alerts are silent again", 30, async () => (await names(FIRING)).length === 0);

    const texts = ["alerts.yaml", "dashboard.json"].map((file) => readFileSync(join(MONITORING, file), "utf8"));
    const metrics = new Set(
      texts
        .join("\n")
        .match(/\b(pulsar|jetstream|gnatsd|node|process|messaging[:_]|input|output|processor|dead|circuit)[a-z_:]*_[a-z_:]+/g),
    );
    const absent: string[] = [];
    for (const metric of metrics) if ((await query(`last_over_time(${metric}[10m])`)).length === 0) absent.push(metric);
    assert.deepEqual(absent, []);
  });

  test("clients in Python, Node and Go publish, consume, ask, share work and replay, with the commands of their README", () => {
    assert.deepEqual(runClients(stack), EVERY_PATTERN);
  });

  test("each command of the README and the runbooks works as it is written", async () => {
    // An answer such as 404 is a failure.
    writeFileSync(join(stack.directory, ".curlrc"), "fail\n");
    const own: readonly (readonly [RegExp, string])[] = [
      [/127\.0\.0\.1:8080\b/g, `127.0.0.1:${ports.web}`],
      [/127\.0\.0\.1:4195\b/g, `127.0.0.1:${ports.http}`],
      [/127\.0\.0\.1:8222\b/g, `127.0.0.1:${stack.monitoring}`],
      [/\bmessaging-dev-local\b/g, "messaging-test-local"],
      [/\/tmp\/messaging-backup/g, join(stack.directory, "backup")],
    ];
    const run = (command: string): void => {
      const [npm, verb, script = "", dashes, ...args] = command.split(" ");
      const result =
        npm === "npm" && verb === "run"
          ? stack.npmScript(script, ...(dashes === undefined ? [] : args))
          : stack.run("env", `CURL_HOME=${stack.directory}`, "sh", "-c", `cd ${stack.prefix} && ${command}`);
      // The doctor warns of versions whose support has ended.
      assert.ok(result.status === 0 || (script === "doctor" && result.status === 1), `${command}\n${result.output}`);
      // What moves to another host finds nothing there.
      if (command === "npm run destroy")
        for (const data of ["nats", "pulsar"]) renameSync(join(stack.prefix, "var/lib", data), join(stack.directory, `old-${data}`));
    };
    const commands = (documents: readonly string[]) =>
      documents
        .flatMap((document) => commandsOf(readFileSync(join(DOCS, document), "utf8")))
        .filter((command) => command !== "cd ~/.local/share/messaging")
        .map((command) => own.reduce((text, [pattern, value]) => text.replace(pattern, value), command));
    // What several runbooks look at, once; a backup before what restores it, step by step.
    for (const command of new Set(commands([README, ...RUNBOOKS.filter((name) => !LAST.includes(name))]))) {
      // Only one program at a time has a file of DuckDB open.
      if (command.includes("duckdb"))
        await eventually(command, 20, () => stack.run("sh", "-c", `cd ${stack.prefix} && ${command}`).status === 0);
      else run(command);
    }
    for (const command of commands(LAST)) run(command);
  });

  test("destroy leaves data alone", () => {
    const { status, output } = stack.operate("destroy");
    assert.equal(status, 0, output);
    assert.ok(existsSync(join(stack.prefix, "var/lib/benthos/events.duckdb")));
    assert.ok(!existsSync(join(stack.prefix, "opt")));
    assert.ok(!existsSync(join(stack.prefix, "etc")));
    assert.ok(!existsSync(join(stack.prefix, "run")));
  });
});

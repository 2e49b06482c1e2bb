import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Benthos, DUCKDB } from "../support/benthos";
import { NatsServer } from "../support/nats-server";
import { PostgreSQL, POSTGRESQL_MISSING } from "../support/postgresql";
import { PulsarServer } from "../support/pulsar-server";
import { eventually, removeDirectory, temporaryDirectory } from "../support/temporary";

/** Messages through the bridge. The soak has more. */
const MESSAGES = Number(process.env["BRIDGE_MESSAGES"] ?? 5000);

/** How long a step of so many may take, in seconds. */
const PATIENCE = Math.max(120, MESSAGES / 50);

/** Every how many messages one is no event. */
const POISON_EVERY = 500;

const event = (n: number) => JSON.stringify({ agent: "recovery", kind: "n", at: "2026-01-02T03:04:05Z", data: { n } });

/** What wraps the DuckDB CLI: files it writes are limited to the kibibytes in a file, as on a full disk. */
const LIMITED_DUCKDB = `#!/bin/sh
trap '' XFSZ
limit=$(cat "\${0%/*}/limit")
[ "$limit" = none ] || ulimit -f "$limit"
exec ${DUCKDB} "$@"
`;

describe("recovery", { timeout: Math.max(600, PATIENCE * 3) * 1000 }, () => {
  /** What ends the servers, those included that were started before one failed to. */
  const stops: (() => unknown)[] = [];
  const directory = temporaryDirectory();
  let nats: NatsServer;
  let pulsar: PulsarServer;
  let environment: NodeJS.ProcessEnv;

  before(async () => {
    stops.push(() => removeDirectory(directory));
    const log = (name: string, ...consumers: string[]) => ({
      preset: "eventLog",
      subjects: [`${name}.>`],
      consumers: Object.fromEntries(consumers.map((consumer) => [consumer, { ackWait: "5s" }])),
    });
    const streams = {
      events: log("events", "pulsar-bridge"),
      rows: log("rows", "postgresql"),
      updates: log("updates", "files"),
      "dead-letters": log("dead-letters"),
    };
    // 2.10 writes what a consumer acknowledged in place: killed in the middle of that, it delivers the whole stream again (docs/pipelines.md).
    nats = await NatsServer.start(streams, "2.12.8");
    stops.push(() => nats.remove());
    pulsar = await PulsarServer.start();
    stops.push(() => pulsar.stop());
    for (const subscription of ["duckdb", "copies"]) {
      assert.equal((await pulsar.admin("PUT", `persistent/public/default/events/subscription/${subscription}`)).status, 204);
    }
    environment = {
      NATS_URL: nats.url,
      NATS_MONITORING_URL: nats.monitoringUrl,
      PULSAR_URL: pulsar.serviceUrl,
      PULSAR_HEALTH_URL: `${pulsar.adminUrl}/admin/v2/brokers/ready`,
    };
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** Ids of the dead letters of a consumer. */
  const deadLetters = (consumer: string) =>
    nats.stored("dead-letters", `dead-letters.${consumer}`).map(({ headers }) => /Dead-Letter-Id: (.*)\r/.exec(headers)?.[1] ?? "");

  /** Runs a query on a DuckDB file; empty while a batch is being inserted. */
  const query = (file: string, sql: string) =>
    spawnSync(DUCKDB, ["-readonly", "-noheader", "-list", file, sql], { encoding: "utf8" }).stdout.trim();

  /** Publishes to a stream, as fast as it goes. */
  const publishAll = async (subject: string, contents: readonly string[]) => {
    writeFileSync(join(directory, "contents"), contents.join("\n"));
    const benthos = await Benthos.start(
      [
        [
          "publish",
          `input: { file: { paths: ["\${CONTENTS}"], scanner: { lines: {} } }, processors: [{ mapping: 'meta id = count("published")' }] }\n` +
            `output: { to_jetstream: { subject: "${subject}" } }\n`,
        ],
      ],
      { ...environment, CONTENTS: join(directory, "contents") },
    );
    const [stream = ""] = subject.split(".");
    await eventually("everything is published", PATIENCE, () => nats.messages(stream) === contents.length);
    await benthos.remove();
  };

  /** The ids of all messages in Pulsar's topic, read when nothing disturbs it any more. */
  const allOfTopic = async (): Promise<string[]> => {
    const copies =
      `input: { from_pulsar: { topic: "persistent://public/default/events", subscription: copies } }\n` +
      `pipeline: { processors: [{ mapping: 'root = @id' }] }\noutput: { to_files: { path: "\${DATA}/copies" } }\n`;
    const benthos = await Benthos.start([["copies", copies]], environment);
    const backlog = async () => {
      const stats = JSON.parse((await pulsar.admin("GET", "persistent/public/default/events/stats")).text) as {
        subscriptions: Record<string, { msgBacklog: number }>;
      };
      return stats.subscriptions["copies"]?.msgBacklog;
    };
    await eventually("all copies are there", PATIENCE, async () => (await backlog()) === 0);
    const ids = readFileSync(benthos.file("copies"), "utf8").trim().split("\n");
    await benthos.remove();
    return ids;
  };

  test(`${MESSAGES} messages from JetStream through Pulsar into DuckDB, while each of the three is killed once`, async () => {
    const isPoison = (n: number) => n % POISON_EVERY === 0;
    await publishAll(
      "events.load",
      Array.from({ length: MESSAGES }, (_, n) => (isPoison(n + 1) ? "no event" : event(n + 1))),
    );
    const started = Date.now();
    const benthos = await Benthos.start(["routing/jetstream_to_pulsar", "ingestion/pulsar_to_duckdb"], environment);
    stops.push(() => benthos.remove());
    const left = (share: number) => nats.unacknowledged("events", "pulsar-bridge") < MESSAGES * share;
    await eventually("a tenth is bridged", PATIENCE, () => left(0.9));
    await benthos.down();
    await benthos.up();
    await eventually("a third is bridged", PATIENCE, () => left(0.67));
    await nats.down();
    await nats.up();
    await eventually("two thirds are bridged", PATIENCE, () => left(0.33));
    await pulsar.restart();
    await eventually("all are bridged", PATIENCE, () => left(1 / MESSAGES));
    const database = benthos.file("events.duckdb");
    const poison = Math.floor(MESSAGES / POISON_EVERY);
    await eventually("all rows are there", PATIENCE, () => query(database, "SELECT count(*) FROM events") === String(MESSAGES - poison));
    await eventually("all dead letters are there", PATIENCE, () => new Set(deadLetters("duckdb")).size === poison);
    const seconds = (Date.now() - started) / 1000;
    await benthos.down("SIGTERM");
    const bridged = await allOfTopic();
    assert.equal(new Set(bridged).size, MESSAGES);
    const rows = Number(query(database, "SELECT count(DISTINCT id) FROM events"));
    const dead = new Set(deadLetters("duckdb"));
    const duplicates = bridged.length - MESSAGES;
    console.log(
      `in ${MESSAGES} = rows ${rows} + dead-lettered ${dead.size}; duplicates in Pulsar ${duplicates}, removed by id; ${seconds.toFixed(0)} s`,
    );
    assert.equal(rows + dead.size, MESSAGES);
    assert.deepEqual(
      [...dead].map(Number).sort((a, b) => a - b),
      Array.from({ length: poison }, (_, n) => (n + 1) * POISON_EVERY),
    );
    // Each kill repeats what was under way: 64 messages at the output, and about as many on their way to it.
    assert.ok(duplicates <= 3 * 128, `${duplicates} duplicates`);
    await benthos.remove();
  });

  test("a full disk makes rows wait, and none is lost when there is room again", async () => {
    const limit = (kibibytes: string) => writeFileSync(join(directory, "limit"), kibibytes);
    writeFileSync(join(directory, "duckdb"), LIMITED_DUCKDB, { mode: 0o755 });
    limit("none");
    const flow =
      `input: { generate: { count: 2000, interval: 2ms, mapping: 'root = { "n": counter(), "text": range(0, 50).map_each(n -> uuid_v4()).join("") }' }, ` +
      `processors: [{ mapping: 'meta id = this.n' }] }\n` +
      `output: { to_duckdb: { database: "\${DATA}/rows.duckdb", table: rows, columns: { n: INTEGER, text: VARCHAR }, count: 100, period: 200ms } }\n`;
    const benthos = await Benthos.start([["rows", flow]], {
      ...environment,
      DUCKDB: join(directory, "duckdb"),
    });
    stops.push(() => benthos.remove());
    const rows = () => Number(query(benthos.file("rows.duckdb"), "SELECT count(*) FROM rows"));
    await eventually("some rows are there", 30, () => rows() >= 200);
    limit("1");
    await eventually("the circuit is open", 60, async () => (await benthos.metric("circuit_breaker_state", 'label="duckdb"')) === 2);
    assert.match(benthos.log(), /File too large/);
    limit("none");
    await eventually("all rows are there", 60, () => rows() === 2000);
    assert.equal(await benthos.metric("circuit_breaker_fallback", 'label="duckdb"'), 0);
    await benthos.remove();
  });

  test("messages wait for a database that is down", { skip: POSTGRESQL_MISSING ?? false }, async () => {
    const postgresql = await PostgreSQL.start();
    stops.push(() => postgresql.remove());
    postgresql.sql("CREATE TABLE events (id text PRIMARY KEY, agent text, kind text, at timestamptz, data jsonb)");
    const benthos = await Benthos.start(["storage/events_to_postgresql"], {
      ...environment,
      EVENTS_STREAM: "rows",
      POSTGRESQL_DSN: postgresql.dsn,
    });
    stops.push(() => benthos.remove());
    postgresql.down();
    const contents = Array.from({ length: 500 }, (_, n) => event(n));
    await publishAll("rows.load", contents);
    await eventually("the circuit is open", 60, async () => (await benthos.metric("circuit_breaker_state", 'label="postgresql"')) === 2);
    postgresql.up();
    await eventually("all rows are there", 60, () => postgresql.sql("SELECT count(*) FROM events") === "500");
    assert.equal(await benthos.metric("circuit_breaker_fallback", 'label="postgresql"'), 0);
    await benthos.remove();
  });

  test("a pipeline that is replaced while it runs loses nothing, and the others go on", async () => {
    const flow = (file: string) =>
      `input: { from_jetstream: { stream: updates, consumer: files } }\n` +
      `pipeline: { processors: [{ sleep: { duration: 2ms } }] }\noutput: { to_files: { path: "\${DATA}/${file}" } }\n`;
    const other = `input: { generate: { interval: 10ms, mapping: 'root = counter()' } }\noutput: { to_files: { path: "\${DATA}/other" } }\n`;
    const contents = Array.from({ length: 2000 }, (_, n) => String(n));
    await publishAll("updates.load", contents);
    const benthos = await Benthos.start(
      [
        ["flow", flow("before")],
        ["other", other],
      ],
      environment,
    );
    stops.push(() => benthos.remove());
    const lines = (file: string) => (existsSync(benthos.file(file)) ? readFileSync(benthos.file(file), "utf8").trim().split("\n") : []);
    await eventually("some are written", 30, () => lines("before").length > 200);
    const answer = await fetch(`${benthos.url}/streams/flow`, { method: "PUT", body: flow("after") });
    assert.equal(answer.status, 200, await answer.text());
    const written = () => [...lines("before"), ...lines("after")];
    await eventually("all are written", 60, () => new Set(written()).size === contents.length);
    console.log(`replaced after ${lines("before").length} of ${contents.length}; written twice: ${written().length - contents.length}`);
    assert.ok(lines("after").length > 0);
    // A pipeline works on as many messages at once as there are cores, so neighbours may change places.
    assert.deepEqual(
      lines("other")
        .map(Number)
        .sort((a, b) => a - b),
      lines("other").map((_, n) => n + 1),
    );
    await benthos.remove();
  });

  test("while NATS is down dead letters go to a file", async () => {
    await nats.down();
    const flow = `input: { from_http: { path: /x } }\noutput: { to_duckdb: { database: "\${DATA}/x.duckdb", table: x, columns: { n: INTEGER } } }\n`;
    const benthos = await Benthos.start([["flow", flow]], environment);
    stops.push(() => benthos.remove());
    const answer = await fetch(`${benthos.url}/flow/x`, { method: "POST", body: "no JSON", headers: { "Message-Id": "poison" } });
    assert.equal(answer.status, 200);
    const letter = JSON.parse(readFileSync(benthos.file("dead-letters.ndjson"), "utf8")) as {
      payload: string;
      metadata: Record<string, unknown>;
    };
    assert.equal(letter.payload, "no JSON");
    assert.equal(letter.metadata["Dead-Letter-Id"], "poison");
    assert.match(String(letter.metadata["Dead-Letter-Error"]), /parse as json/);
    await benthos.remove();
    await nats.up();
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Benthos, DUCKDB } from "../support/benthos";
import { NatsServer } from "../support/nats-server";
import { PostgreSQL, POSTGRESQL_MISSING } from "../support/postgresql";
import { PulsarServer } from "../support/pulsar-server";
import { eventually } from "../support/temporary";

/** An event log with durable consumers that never stop delivering. */
const log = (subjects: string[], ...consumers: string[]) => ({
  preset: "eventLog",
  subjects,
  maxBytes: "64MB",
  consumers: Object.fromEntries(consumers.map((name) => [name, { ackWait: "5s" }])),
});

const event = (agent: string, kind: string, rest: object = {}) =>
  JSON.stringify({ agent, kind, at: "2026-01-02T03:04:05Z", data: { n: 1 }, ...rest });

describe("every pipeline between real servers", { timeout: 240_000, concurrency: false }, () => {
  /** What ends the servers, those included that were started before one failed to. */
  const stops: (() => unknown)[] = [];
  let nats: NatsServer;
  let pulsar: PulsarServer;
  let postgresql: PostgreSQL | undefined;
  let benthos: Benthos;
  let registry: HttpServer;
  let lookups = 0;
  let late = 0;
  /** Empty while there is no table, or while a batch is being inserted. */
  const query = (sql: string) =>
    spawnSync(DUCKDB, ["-readonly", "-noheader", "-list", benthos.file("events.duckdb"), sql], { encoding: "utf8" }).stdout.trim();
  const deadLetters = (consumer: string) => nats.stored("dead-letters", `dead-letters.${consumer}`);

  before(async () => {
    nats = await NatsServer.start({
      inbox: log(["inbox.>"], "routing"),
      raw: log(["raw.>"], "transformation"),
      events: log(["events.>"], "pulsar-bridge", "enrichment", "files", "postgresql"),
      coordination: log(["coordination.>"]),
      tasks: log(["tasks.>"]),
      "dead-letters": log(["dead-letters.>"]),
    });
    stops.push(() => nats.remove());
    pulsar = await PulsarServer.start();
    stops.push(() => pulsar.stop());
    for (const [topic, subscription] of [
      ["events", "duckdb"],
      ["events", "fan-out"],
      ["enriched", "reader"],
      ["measurements", "reader"],
    ]) {
      assert.equal((await pulsar.admin("PUT", `persistent/public/default/${topic}/subscription/${subscription}`)).status, 204);
    }
    registry = createServer((request, response) => {
      lookups++;
      if (request.url?.endsWith("unknown") === true) response.writeHead(404).end();
      else if (request.url?.endsWith("late") === true && late++ < 2) response.writeHead(503).end();
      else response.end(JSON.stringify({ path: request.url }));
    }).listen(0, "127.0.0.1");
    await once(registry, "listening");
    stops.push(() => registry.close());
    if (POSTGRESQL_MISSING === undefined) {
      postgresql = await PostgreSQL.start();
      stops.push(() => postgresql?.remove());
      postgresql.sql("CREATE TABLE events (id text PRIMARY KEY, agent text, kind text, at timestamptz, data jsonb)");
    }
    const pipelines = [
      "ingestion/http_to_jetstream",
      "ingestion/pulsar_to_duckdb",
      "transformation/events",
      "enrichment/agents",
      "routing/by_content",
      "routing/jetstream_to_pulsar",
      "routing/pulsar_to_jetstream",
      "storage/events_to_files",
      ...(postgresql === undefined ? [] : ["storage/events_to_postgresql"]),
    ];
    const sink = (topic: string) =>
      [
        topic,
        `input: { from_pulsar: { topic: "persistent://public/default/${topic}", subscription: reader } }\n` +
          `output: { to_files: { path: "\${DATA}/${topic}.ndjson" } }\n`,
      ] as const;
    benthos = await Benthos.start([...pipelines, sink("enriched"), sink("measurements")], {
      NATS_URL: nats.url,
      NATS_MONITORING_URL: nats.monitoringUrl,
      PULSAR_URL: pulsar.serviceUrl,
      PULSAR_HEALTH_URL: `${pulsar.adminUrl}/admin/v2/brokers/ready`,
      POSTGRESQL_DSN: postgresql?.dsn ?? "",
      AGENTS_URL: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/agents/`,
    });
    stops.push(() => benthos.remove());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const lines = (name: string): Record<string, unknown>[] => {
    const file = readdirSync(benthos.data).find((found) => found.startsWith(name));
    if (file === undefined) return [];
    return readFileSync(benthos.file(file), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test("HTTP into JetStream: answered when stored, twice the same id is kept once, what is no event is a dead letter", async () => {
    const post = async (body: string, id: string) =>
      (await fetch(`${benthos.url}/ingestion_http_to_jetstream/events`, { method: "POST", body, headers: { "Message-Id": id } })).status;
    const before = nats.messages("events");
    assert.equal(await post(event("planner", "note"), "http-1"), 200);
    assert.equal(await post(event("planner", "note"), "http-1"), 200);
    assert.equal(nats.messages("events"), before + 1);
    assert.equal(await post("{}", "http-2"), 200);
    const [dead] = deadLetters("http");
    assert.equal(dead?.data, "{}");
    assert.match(dead.headers, /Dead-Letter-Error: .*an event needs an agent/);
    assert.match(dead.headers, /Dead-Letter-Attempts: 1\r\n/);
    assert.match(dead.headers, /Dead-Letter-Origin: http \/events\r\n/);
  });

  test("an event goes from JetStream through Pulsar into DuckDB, once for each id", async () => {
    for (const id of ["a", "b", "b", "c"]) nats.publish("events.coder", event("coder", "result"), `Nats-Msg-Id:${id}`);
    await eventually(
      "rows are there",
      30,
      () => query("SELECT string_agg(id, ' ' ORDER BY id) FROM events WHERE agent = 'coder'") === "a b c",
    );
    assert.equal(query("SELECT \"at\" || ' ' || (data->>'n') FROM events WHERE id = 'a'"), "2026-01-02 03:04:05 1");
  });

  test("what DuckDB refuses is a dead letter, alone out of its batch", async () => {
    for (let n = 0; n < 20; n++) {
      nats.publish("events.batch", event("batch", "result", n === 7 ? { at: "no date" } : {}), `Nats-Msg-Id:batch-${n}`);
    }
    await eventually("nineteen rows are there", 60, () => query("SELECT count(*) FROM events WHERE agent = 'batch'") === "19");
    const dead = () => deadLetters("duckdb").find(({ headers }) => headers.includes("Dead-Letter-Id: batch-7\r\n"));
    await eventually("the twentieth is a dead letter", 30, () => dead() !== undefined);
    assert.match(dead()?.headers ?? "", /Dead-Letter-Error: .*no date/);
    assert.match(dead()?.headers ?? "", /Dead-Letter-Origin: pulsar persistent:\/\/public\/default\/events\/duckdb [0-9a-f]+\r\n/);
  });

  test("the fan-out brings durable events back to JetStream, by agent and by kind", async () => {
    await eventually("both copies are there", 30, () => nats.stored("coordination", "coordination.agent.coder").length === 3);
    await eventually("both copies are there", 30, () => nats.stored("coordination", "coordination.kind.note").length === 1);
  });

  test("raw events get one shape, and what is not JSON is a dead letter", async () => {
    nats.publish(
      "raw.x",
      JSON.stringify({ source: "shaper", type: "NOTE", timestamp: "2026-05-06T07:08:09+02:00", text: "hello" }),
      "Nats-Msg-Id:raw-1",
    );
    nats.publish("raw.x", "not JSON", "Nats-Msg-Id:raw-2");
    await eventually("it is an event", 20, () => nats.stored("events", "events.shaper").length === 1);
    const wanted = { agent: "shaper", kind: "note", at: "2026-05-06T05:08:09.000Z", data: { text: "hello" } };
    assert.deepEqual(JSON.parse(nats.stored("events", "events.shaper")[0]?.data ?? ""), wanted);
    await eventually("the other is a dead letter", 20, () => deadLetters("transformation").length === 1);
    assert.equal(deadLetters("transformation")[0]?.data, "not JSON");
  });

  test("tasks, measurements and the rest go different ways", async () => {
    for (const kind of ["task", "measurement", "note"]) nats.publish("inbox.x", event("router", kind), `Nats-Msg-Id:inbox-${kind}`);
    nats.publish("inbox.x", "nothing", "Nats-Msg-Id:inbox-nothing");
    await eventually("a task", 20, () => nats.stored("tasks", "tasks.router").length === 1);
    await eventually("a note", 20, () => nats.stored("events", "events.router").length === 1);
    await eventually("a measurement", 20, () => lines("measurements").some(({ agent }) => agent === "router"));
    await eventually("a dead letter", 20, () => deadLetters("routing").length === 1);
  });

  test("events are enriched; an agent is looked up once, again while the service is down, and not again when it is unknown", async () => {
    const enriched = (agent: string) => lines("enriched").filter((line) => line["agent"] === agent);
    const before = lookups;
    for (let n = 0; n < 5; n++) nats.publish("events.known", event("known", "note"), `Nats-Msg-Id:known-${n}`);
    await eventually("all are enriched", 30, () => enriched("known").length === 5);
    assert.deepEqual(enriched("known")[0]?.["agent_details"], { path: "/agents/known" });
    assert.ok(lookups - before < 5, `${lookups - before} look-ups`);
    nats.publish("events.late", event("late", "note"), "Nats-Msg-Id:late");
    await eventually("it is enriched at the third attempt", 30, () => enriched("late").length === 1);
    assert.equal(late, 3);
    // Twice: what could not be looked up must not be remembered.
    for (const id of ["unknown-1", "unknown-2"]) nats.publish("events.unknown", event("unknown", "note"), `Nats-Msg-Id:${id}`);
    await eventually("two dead letters", 30, () => deadLetters("enrichment").length === 2);
    assert.match(deadLetters("enrichment")[0]?.headers ?? "", /Dead-Letter-Attempts: 1\r\n.*Dead-Letter-Error: .*404/s);
  });

  test("every event is in the day's file", async () => {
    await eventually("all are there", 30, () => new Set(lines("events-").map(({ id }) => id)).size === nats.messages("events"));
  });

  test("every event is in PostgreSQL, except the one it refuses", { skip: POSTGRESQL_MISSING ?? false }, async () => {
    await eventually("all are there", 60, () => postgresql?.sql("SELECT count(*) FROM events") === String(nats.messages("events") - 1));
    assert.equal(deadLetters("postgresql").length, 1);
    assert.match(deadLetters("postgresql")[0]?.headers ?? "", /Dead-Letter-Id: batch-7\r\n.*no date|no date.*Dead-Letter-Id: batch-7\r\n/s);
    assert.equal(postgresql?.sql("SELECT data->>'n' FROM events WHERE id = 'a'"), "1");
  });

  test("metrics tell the pipelines apart", async () => {
    assert.ok((await benthos.metric("circuit_breaker_delivered", 'label="pulsar",stream="routing_jetstream_to_pulsar"')) >= 20);
    assert.ok((await benthos.metric("dead_lettered", 'consumer="duckdb"')) >= 1);
    assert.equal(await benthos.metric("circuit_breaker_state", 'stream="routing_jetstream_to_pulsar"'), 0);
    assert.equal(await benthos.metric("input_lag_messages", 'stream="routing_jetstream_to_pulsar"'), 0);
  });
});

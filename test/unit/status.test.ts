import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSamples, type ProductStatus, type ServiceStatus, withRates } from "../../operations/status-report";
import { statusLines } from "../../operations/status-view";

const nats = (received: number, bytes: number): ProductStatus => ({
  version: "2.10.29",
  endpoint: "nats://127.0.0.1:4222",
  received: { messages: received, bytes },
  sent: { messages: 0, bytes: 0 },
  connections: 3,
  subscriptions: 12,
  slowConsumers: 1,
  streams: [{ name: "events", received, messages: 5000, bytes: 500_000, maxBytes: 1_000_000 }],
  consumers: [{ stream: "events", name: "worker", sent: received / 2, lag: 700, unacknowledged: 20, redelivered: 4 }],
});

const service = (product: ServiceStatus["product"]): ServiceStatus => ({
  host: "local",
  service: "nats-server",
  state: "running",
  memoryBytes: 250e6,
  uptime: "02:11:05",
  capBytes: 500e6,
  enforcement: "runtime",
  product,
});

test("rates come from the counters of two looks, and there is none where a counter began anew", () => {
  const rated = withRates(nats(1000, 10_000), nats(1500, 30_000), 2);
  assert.equal(rated.received.messagesPerSecond, 250);
  assert.equal(rated.received.bytesPerSecond, 10_000);
  assert.equal(rated.streams?.[0]?.receivedPerSecond, 250);
  assert.equal(rated.consumers?.[0]?.sentPerSecond, 125);
  assert.equal(withRates(nats(1000, 10_000), nats(3, 30), 1).received.messagesPerSecond, undefined);
  assert.equal(withRates(undefined, nats(3, 30), 1).streams?.[0]?.receivedPerSecond, undefined);
});

test("a service that does not answer, or has no process, has a line all the same", () => {
  const samples = parseSamples("nats-server\tstopped\t\t\t\npulsar\trunning\t1000\t01:02\t\n");
  assert.deepEqual(samples, [
    { service: "nats-server", state: "stopped", memoryBytes: undefined, uptime: undefined, product: undefined },
    { service: "pulsar", state: "running", memoryBytes: 1000, uptime: "01:02", product: undefined },
  ]);
  assert.deepEqual(statusLines({ ...service(undefined), state: "fatal", memoryBytes: undefined }), [
    "local/nats-server   fatal, does not answer",
  ]);
});

test("rates, lag and memory against the cap stand in the lines of NATS", () => {
  assert.deepEqual(statusLines(service(withRates(nats(1000, 10_000), nats(1500, 30_000), 1))), [
    "local/nats-server 2.10.29  running, up 02:11:05",
    "  nats://127.0.0.1:4222",
    "  memory 250MB of 500MB, 50 % (runtime)",
    "  in 500/s, 20kB/s  out 0/s, 0B/s",
    "  connections 3  subscriptions 12  slow consumers since the start 1",
    "  stream  in/s  messages  stored  of limit",
    "  events   500      5000   500kB      50 %",
    "  consumer       out/s  lag  unacknowledged  redelivered",
    "  events/worker    250  700              20            4",
  ]);
});

test("no line is wider than a terminal of 80 columns, whatever the names are", () => {
  const long = "a-rather-long-name-".repeat(8);
  const product: ProductStatus = {
    version: "3.3.6",
    endpoint: "pulsar://127.0.0.1:6650",
    received: { messages: 1e9 },
    sent: { messages: 1e9 },
    topics: [
      {
        name: `persistent://arc/agents/${long}`,
        received: 5e8,
        bytes: 123_456_789_012,
        backlog: 123_456_789,
        subscriptions: [{ name: long, sent: 5e8, backlog: 123_456_789, unacknowledged: 50_000, blocked: true }],
      },
    ],
    pipelines: [
      {
        name: long,
        received: 5e8,
        sent: 5e8,
        errors: 12_345_678,
        openBreakers: ["postgresql"],
        lagMessages: null,
        lagMilliseconds: 12_345_678,
      },
    ],
    streams: [{ name: long, received: 5e8, messages: 1e9, bytes: 123_456_789_012, maxBytes: 200e9 }],
    consumers: [{ stream: long, name: long, sent: 5e8, lag: 1e9, unacknowledged: 1000, redelivered: 1e9 }],
  };
  const lines = statusLines(service(withRates({ ...product, received: { messages: 0 } }, product, 1)));
  assert.ok(lines.some((line) => line.includes("…")));
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

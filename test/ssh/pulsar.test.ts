import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { describeWithMachines, Machine } from "../support/machine";
import { TestStack } from "../support/test-stack";

const UNIT = "messaging-test-pulsar.service";
const PIPELINES = "messaging-test-benthos.service";
const TOPIC = "persistent://arc/agents/events";
const STREAMS = {
  events: { preset: "eventLog", subjects: ["events.>"], maxBytes: "100MB", consumers: { "pulsar-bridge": {} } },
  "dead-letters": { preset: "eventLog", subjects: ["dead-letters.>"], maxBytes: "100MB" },
};

describeWithMachines("Pulsar with pipelines on a host over SSH", 1_800_000, () => {
  let stack: TestStack;
  let machine: Machine;

  before(async () => {
    [stack, machine] = await Promise.all([TestStack.forPulumi(), Machine.boot()]);
  });

  after(async () => {
    stack.dispose();
    await machine.dispose();
  });

  test("up installs it, proven, with its namespace; a preview after it finds nothing to do", () => {
    stack.configureWithoutNats({
      hosts: { core: { connection: "ssh", host: "127.0.0.1", port: machine.port, user: "root", hostKey: machine.hostKey } },
      pulsar: { memory: { maxHeap: "448MiB", initialHeap: "256MiB", maxDirect: "256MiB" } },
      namespaces: {
        "arc/agents": {
          retention: { time: "7d", size: "1GB" },
          topics: { events: { subscriptions: { me: { position: "earliest" }, duckdb: { position: "earliest" } } } },
        },
      },
      nats: { memory: "200MB", jetstream: { maxFileStore: "1GB" }, streams: STREAMS },
      benthos: {
        memory: "128MiB",
        environment: { EVENTS_TOPIC: TOPIC },
        pipelines: { "ingestion/http_to_jetstream": {}, "routing/jetstream_to_pulsar": {}, "ingestion/pulsar_to_duckdb": {} },
      },
    });
    stack.setSecret("hosts.core.privateKey", machine.privateKey);
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    assert.match(up.output, /DuckDB: 100 messages published, 100 arrived, 0 lost/);
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    assert.equal(machine.exec(`systemctl is-active ${UNIT}`), "active\n");
    assert.equal(machine.exec(`ps -o user:20= -p $(systemctl show -p MainPID --value ${UNIT})`).trim(), "messaging-pulsar");
  });

  for (const [unit, most] of [
    [UNIT, 3],
    [PIPELINES, 1.5],
  ] as const) {
    test(`the exposure of ${unit} is at most ${most.toFixed(1)}`, () => {
      const said = machine.exec(`systemd-analyze security --no-pager ${unit} | tail -n 2`);
      const exposure = Number(/exposure level for .*: ([0-9.]+)/.exec(said)?.[1]);
      console.log(`systemd-analyze security: ${unit} ${exposure}`);
      assert.ok(exposure <= most, said);
    });
  }

  test("an event handed in over HTTP becomes a row; the pipelines run as a user of their own", () => {
    const event = JSON.stringify({ agent: "tester", kind: "n", at: "2026-01-02T03:04:05Z", data: {} });
    machine.exec(`curl -fsS -H 'Message-Id: first' -d '${event}' http://127.0.0.1:4195/ingestion_http_to_jetstream/events`);
    const query =
      "/opt/messaging/opt/duckdb/current/duckdb -readonly -noheader -list /opt/messaging/var/lib/benthos/events.duckdb 'SELECT id FROM events'";
    assert.equal(
      machine.exec(`for second in $(seq 30); do [ "$(${query} 2>/dev/null)" != first ] || exec echo there; sleep 1; done`),
      "there\n",
    );
    assert.equal(machine.exec(`ps -o user:20= -p $(systemctl show -p MainPID --value ${PIPELINES})`).trim(), "messaging-benthos");
  });

  test("every listener is on loopback", () => {
    const listeners = machine
      .exec("ss -Hltn")
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/)[3] ?? "");
    assert.deepEqual(
      listeners.filter((address) => !/:22$/.test(address) && !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address)),
      [],
    );
  });

  test("after a reboot it is back with its messages", async () => {
    machine.exec(`/opt/messaging/bin/pulsar-client produce ${TOPIC} --messages before-the-reboot`);
    await machine.reboot();
    machine.exec("for second in $(seq 120); do curl -fs http://127.0.0.1:8080/admin/v2/brokers/ready && exit 0; sleep 1; done; exit 1");
    assert.match(
      machine.exec(`/opt/messaging/bin/pulsar-client consume ${TOPIC} --subscription-name me --num-messages 2`),
      /before-the-reboot/,
    );
  });

  test("destroy keeps the data", () => {
    const { status, output } = stack.operate("destroy");
    assert.equal(status, 0, output);
    assert.equal(machine.exec(`systemctl list-units --all --no-legend 'messaging*'`), "");
    assert.match(machine.exec("ls /opt/messaging/var/lib"), /pulsar/);
  });
});

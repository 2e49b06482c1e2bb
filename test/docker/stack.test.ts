import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { describeWithEngine, TestEngine } from "../support/engine";
import { tree } from "../support/machine";
import { eventually, freePorts } from "../support/temporary";
import { TestStack } from "../support/test-stack";

// Pulsar, NATS and pipelines between them as containers of a real engine. Steps build on each other.

describeWithEngine("the whole stack in Docker", 900_000, () => {
  let engine: TestEngine;
  let stack: TestStack;

  before(async () => {
    engine = await TestEngine.start();
    stack = await TestStack.forPulumi();
    const [broker, web, bookie, http] = await freePorts(4);
    const eventLog = { preset: "eventLog", maxBytes: "64MB" };
    stack.configure(
      {
        // Keys and accounts are files that the containers read.
        auth: {},
        streams: {
          events: { ...eventLog, subjects: ["events.>"], consumers: { "pulsar-bridge": {} } },
          "dead-letters": { ...eventLog, subjects: ["dead-letters.>"] },
        },
      },
      {
        hosts: {
          local: { prefix: stack.prefix, services: "docker", docker: { engine: engine.host, baseImage: engine.importTree(tree()) } },
        },
        pulsar: {
          memory: { maxHeap: "448MiB", initialHeap: "256MiB", maxDirect: "256MiB" },
          ports: { broker, web, bookie },
          tieredStorage: { thresholdSize: "1GiB" },
        },
        namespaces: { "arc/agents": { topics: { events: {} } } },
        benthos: {
          memory: "96MiB",
          ports: { http },
          environment: { EVENTS_TOPIC: "persistent://arc/agents/events" },
          pipelines: { "routing/jetstream_to_pulsar": {}, "ingestion/http_to_jetstream": {} },
        },
      },
    );
  });
  after(async () => {
    stack.dispose();
    await engine.dispose();
  });

  const containers = () => engine.docker("ps", "--format", '{{.Label "messaging.unit"}} {{.ID}}').trim().split("\n").sort();
  const named = (service: string) =>
    containers()
      .find((line) => line.includes(`-${service} `))
      ?.split(" ")[1] ?? "";

  it("starts with one up, proven from NATS through Pulsar to DuckDB, and has nothing to do then", () => {
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
    assert.match(output, /100 messages published, 100 arrived, 0 lost/);
    assert.deepEqual(stack.changes(), []);
  });

  it("leaves the others alone when one runs out of memory", async () => {
    const started = (service: string) => engine.docker("inspect", "--format", "{{.State.StartedAt}}", named(service)).trim();
    const others = ["pulsar", "nats-server"].map((service) => [service, started(service)] as const);
    const first = started("benthos");
    // More than the cap of the container, as one of its own processes.
    engine.try("exec", named("benthos"), "bash", "-c", "tail -c 1g /dev/zero | tail");
    await eventually("it runs", 60, () => engine.docker("inspect", "--format", "{{.State.Status}}", named("benthos")).trim() === "running");
    assert.ok(started("benthos") >= first);
    for (const [service, at] of others) assert.equal(started(service), at, service);
    assert.deepEqual(stack.changes(), []);
  });

  it("tells its state and its logs", () => {
    const logs = engine.docker("logs", named("pulsar"));
    assert.match(logs, /messaging service is ready/);
  });

  it("keeps what Pulsar stores when it goes", () => {
    const { status, output } = stack.operate("destroy");
    assert.equal(status, 0, output);
    assert.equal(engine.docker("ps", "--all", "--quiet").trim(), "");
    assert.match(stack.run("ls", join(stack.prefix, "var/lib/pulsar")).output, /metadata/);
  });
});

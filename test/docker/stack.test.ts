import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { describeWithEngine, TestEngine } from "../support/engine";
import { tree } from "../support/machine";
import { checkTarget, Subject } from "../support/targets";
import { eventually, freePorts } from "../support/temporary";
import { TestStack } from "../support/test-stack";

// Pulsar, NATS, pipelines between them and monitoring, natively and then, with one more line of config, as containers of a real engine: the same checks, and the same data.
// Steps build on each other.

describeWithEngine("the whole stack, moved into Docker", 1_500_000, () => {
  let engine: TestEngine;
  let stack: TestStack;
  let subject: Subject;

  before(async () => {
    engine = await TestEngine.start();
    stack = await TestStack.forPulumi();
    const [broker = 0, web = 0, bookie = 0, brokerTls = 0, webTls = 0, http = 0, prometheus = 0] = await freePorts(7);
    const ports = { broker, web, bookie, brokerTls, webTls, http, prometheus };
    // 0 while it does not run.
    const pid = (service: string) => Number(engine.try("inspect", "--format", "{{.State.Pid}}", named(service)).output) || 0;
    subject = new Subject(stack, ports, { engine: engine.host, baseImage: engine.importTree(tree()) }, pid);
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

  checkTarget("native", () => subject);

  checkTarget("docker", () => subject);

  it("has no process of the native services left, and containers that may do nothing else", () => {
    assert.equal(existsSync(join(stack.prefix, "run/supervisord.pid")), false);
    assert.equal(engine.confined(...["benthos", "nats-server", "prometheus", "pulsar"].map(named)).length, 4);
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

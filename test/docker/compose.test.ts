import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { settingsOf } from "../../compose/stack";
import { root } from "../../setup/paths";
import { TestCompose } from "../support/compose";
import { describeWithEngine, TestEngine } from "../support/engine";
import { eventually, freePorts } from "../support/temporary";

// compose.yaml on a real engine, with the commands of docs/compose.md. Steps build on each other.

/** Commands in the fenced blocks of a chapter of docs/compose.md, a line each. */
function commandsOf(chapter: string): string[] {
  const text = `\n${readFileSync(join(root, "docs/compose.md"), "utf8")}`;
  const [, after = ""] = text.split(`\n${chapter}\n`);
  const [ofChapter = ""] = after.split(/\n##+ /);
  return [...ofChapter.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) => block.trim().split("\n"));
}

describeWithEngine("compose.yaml", 900_000, () => {
  let engine: TestEngine;
  let compose: TestCompose;

  before(async () => {
    engine = await TestEngine.start();
    const [NATS_PORT = 0, NATS_MONITORING_PORT = 0, PULSAR_PORT = 0, PULSAR_WEB_PORT = 0, BENTHOS_PORT = 0] = await freePorts(5);
    compose = new TestCompose(engine, { NATS_PORT, NATS_MONITORING_PORT, PULSAR_PORT, PULSAR_WEB_PORT, BENTHOS_PORT });
    await compose.prepare();
  });
  after(async () => {
    await engine.dispose();
  });

  /** Runs a line of the documentation on this stack's ports. */
  function run(line: string) {
    const { NATS_MONITORING_PORT, PULSAR_WEB_PORT, BENTHOS_PORT } = compose.ports;
    const ports = { 8222: NATS_MONITORING_PORT, 8080: PULSAR_WEB_PORT, 4195: BENTHOS_PORT };
    const here = Object.entries(ports).reduce((text, [port, own]) => text.replace(`localhost:${port}`, `127.0.0.1:${own}`), line);
    return compose.shell(here);
  }

  /** Runs a line that has to succeed. @returns what it printed */
  function succeed(line: string): string {
    const { status, output } = run(line);
    assert.equal(status, 0, `${line}\n${output}`);
    return output;
  }

  /** Starts a line that goes on. */
  function listen(line: string) {
    const child = compose.start(line);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (piece: Buffer) => (output += piece.toString()));
    return { heard: () => output, end: () => child.kill("SIGKILL") };
  }

  /** Starts the stack, or says why it does not. */
  function start(line: string): void {
    const { status, output } = run(line);
    assert.equal(status, 0, `${output}\n${compose.shell("docker compose logs --tail 40").output}`);
  }

  it("starts with one command, and is well", () => {
    const [up = "", ...others] = commandsOf("# `docker compose up`");
    assert.equal(up, "make up-stack");
    start(up);
    for (const line of others) succeed(line);
    const states = succeed("docker compose ps --format '{{.Service}} {{.Health}}'").trim().split("\n").sort();
    assert.deepEqual(states, ["benthos healthy", "nats healthy", "pulsar healthy"]);
  });

  it("has done everything when it is asked again", () => {
    const ids = succeed("docker compose ps --quiet");
    succeed("make up-stack");
    assert.equal(succeed("docker compose ps --quiet"), ids);
    const applied = succeed("docker compose logs --no-log-prefix objects").trim().split("\n").slice(-2);
    assert.ok(
      applied.every((line) => line.endsWith(": unchanged")),
      applied.join("\n"),
    );
  });

  it("answers every command of the documentation", async () => {
    const lines = commandsOf("## Everyday commands");
    assert.ok(lines.length > 15, lines.join("\n"));
    const outputs = new Map(lines.slice(0, -1).map((line) => [line, succeed(line)]));
    const output = (part: string) => [...outputs].find(([line]) => line.includes(part))?.[1] ?? "";
    assert.match(output("healthz"), /"status":"ok"/);
    assert.match(output("/metrics/"), /^pulsar_/m);
    assert.match(output("--help"), /Usage: pulsar-admin [^]*\btopics\b/);
    assert.match(output("tenants list"), /memory-server/);
    assert.match(output("Earliest"), /event data/);
    assert.match(output("--subscription-name me --num-messages"), /event data/, "read again after reset-cursor");
    assert.match(output("stream ls"), /dead-letters/);
    assert.match(output("consumer info"), /Maximum Deliveries: 5/);
    await eventually("the event is in DuckDB", 60, () => run(lines.at(-1) ?? "").output.includes("coder"));
  });

  it("carries what programs in several terminals say to each other", async () => {
    const lines = commandsOf("### In several terminals");
    const listeners = lines.filter((line) => / nats (sub|reply) /.test(line)).map((line) => listen(line));
    try {
      for (const listener of listeners) await eventually("it listens", 30, () => /Subscribing on|Listening on/.test(listener.heard()));
      for (const line of lines.filter((line) => / nats (pub|request) /.test(line))) {
        const output = succeed(line);
        if (line.includes(" request ")) assert.match(output, /response data/);
      }
      const [subscriber, ...workers] = listeners;
      await eventually("the subscriber has it", 10, () => subscriber?.heard().includes("event data") === true);
      const shares = () => workers.slice(0, 2).map((worker) => worker.heard().match(/work data/g)?.length ?? 0);
      await eventually("the workers have all", 10, () => shares().reduce((sum, share) => sum + share) === 20);
      assert.ok(
        shares().every((share) => share > 0),
        shares().join(", "),
      );
    } finally {
      for (const listener of listeners) listener.end();
    }
  });

  it("makes the container anew whose settings have changed, and no other", async () => {
    const ids = () => succeed("docker compose ps --format '{{.Service}} {{.ID}}'").trim().split("\n").sort();
    const before = ids();
    const settings = settingsOf("dev");
    compose.configure({ ...settings, nats: { ...(settings["nats"] as object), maxConnections: 999 } });
    start("make up-stack");
    const after = ids();
    assert.deepEqual(
      after.filter((id) => !before.includes(id)).map((id) => id.replace(/ .*/, "")),
      ["nats"],
    );
    assert.equal(after.length, before.length);
    assert.match(succeed("curl http://localhost:8222/varz"), /"max_connections": 999/);
  });

  it("does what the documentation says with what is often written otherwise", () => {
    assert.match(succeed("curl --silent --write-out '%{http_code} %{redirect_url}' http://localhost:8080/metrics"), /^302 \S+\/metrics\/$/);
    assert.match(succeed("curl --silent --location http://localhost:8080/metrics"), /^pulsar_/m);
    const admin = run("docker compose exec pulsar bin/pulsar-admin");
    assert.notEqual(admin.status, 0);
    assert.match(admin.output, /Missing required subcommand[^]*\btenants\b/);
    const consume = "docker compose exec pulsar bin/pulsar-client consume";
    const refused = [`${consume} --subscription-position Earliest`, `${consume} --seek-time "2025-11-09T10:00:00Z" topic`];
    for (const line of refused) assert.notEqual(run(line).status, 0, line);
    assert.notEqual(run("docker compose -f docker-compose.yml -f docker-compose.stack.yml up nats").status, 0);
    succeed("docker compose up --detach nats");
  });

  it("runs with the limits of the budget, and may do nothing else", () => {
    engine.confined(...succeed("docker compose ps --quiet").trim().split("\n"));
    const pid = succeed("docker inspect --format '{{.State.Pid}}' $(docker compose ps --quiet pulsar)").trim();
    assert.match(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /-Xmx2048m\0/);
  });

  it("keeps what is stored when everything is taken down", () => {
    succeed("docker compose exec pulsar bin/pulsar-client produce persistent://public/default/kept --messages kept");
    succeed(
      "docker compose exec pulsar bin/pulsar-admin topics create-subscription persistent://public/default/kept --subscription readers --messageId earliest",
    );
    succeed("docker compose down");
    start("make up-stack");
    const consume = "bin/pulsar-client consume persistent://public/default/kept --subscription-name readers --num-messages 1";
    assert.match(succeed(`docker compose exec pulsar ${consume}`), /content:kept/);
  });
});

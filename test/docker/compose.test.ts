import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
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
    const applied = succeed("docker compose logs --no-log-prefix objects").trim().split("\n").slice(-9);
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
    assert.match(output("tenants list"), /memory-server/);
    assert.match(output("Earliest"), /event data/);
    assert.match(output("--subscription-name me --num-messages"), /event data/, "read again after reset-cursor");
    assert.match(output("stream ls"), /dead-letters/);
    assert.match(output("consumer info"), /Maximum Deliveries: 5/);
    await eventually("the event is in DuckDB", 60, () => run(lines.at(-1) ?? "").output.includes("coder"));
  });

  it("does what the documentation says with what is often written otherwise", () => {
    assert.match(succeed("curl --silent --write-out '%{http_code} %{redirect_url}' http://localhost:8080/metrics"), /^302 \S+\/metrics\/$/);
    assert.match(succeed("curl --silent --location http://localhost:8080/metrics"), /^pulsar_/m);
    const consume = "docker compose exec pulsar bin/pulsar-client consume";
    const refused = [`${consume} --subscription-position Earliest`, `${consume} --seek-time "2025-11-09T10:00:00Z" topic`];
    for (const line of refused) assert.notEqual(run(line).status, 0, line);
    assert.notEqual(run("docker compose -f docker-compose.yml -f docker-compose.stack.yml up nats").status, 0);
    succeed("docker compose up --detach nats");
  });

  it("runs with the limits of the budget, and may do nothing else", () => {
    const inspected = JSON.parse(succeed("docker inspect $(docker compose ps --quiet)")) as readonly Inspected[];
    for (const { Name, Config, HostConfig } of inspected) {
      assert.ok(HostConfig.Memory > 0 && HostConfig.MemorySwap === HostConfig.Memory, Name);
      assert.equal(HostConfig.ReadonlyRootfs, true, Name);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"], Name);
      assert.match(Config.User, /^[1-9]/, Name);
      const addresses = Object.values(HostConfig.PortBindings).flatMap((bindings) => bindings.map(({ HostIp }) => HostIp));
      assert.deepEqual(new Set(addresses), new Set(["127.0.0.1"]), Name);
    }
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

/** What `docker inspect` says, as far as it is asked. */
interface Inspected {
  readonly Name: string;
  readonly Config: { readonly User: string };
  readonly HostConfig: {
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[]>>;
  };
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { issuedByStranger } from "../support/certificates";
import { type Drift, seeAndRepair } from "../support/drift";
import { describeWithEngine, TestEngine } from "../support/engine";
import { tree } from "../support/machine";
import { natsDrifts } from "../support/nats-drifts";
import { run } from "../support/processes";
import { Sshd } from "../support/sshd";
import { eventually, freePorts } from "../support/temporary";
import { TestStack } from "../support/test-stack";

// NATS as a container of a real engine. Steps build on each other.

/** What the later steps run with. */
const current = { maxConnections: 500, memory: "220MB" };

describeWithEngine("NATS with JetStream in Docker", 1_200_000, () => {
  let engine: TestEngine;
  let stack: TestStack;
  let docker: { readonly engine: string; readonly baseImage: string };

  before(async () => {
    engine = await TestEngine.start();
    stack = await TestStack.forPulumi();
    docker = { engine: engine.host, baseImage: engine.importTree(tree()) };
  });
  after(async () => {
    stack.dispose();
    await engine.dispose();
  });

  function inDocker(nats: Record<string, unknown>, more: Record<string, unknown> = {}): void {
    stack.configure(nats, { hosts: { local: { prefix: stack.prefix, services: "docker", docker } }, ...more });
  }

  function up(): string {
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
    return output;
  }

  /** Names of the resources that a preview would change, without the host's key. */
  function changes(): string[] {
    return stack.changes().map(({ op, urn }) => `${op} ${urn.split("::").pop()?.replace("local-", "")}`);
  }

  const running = () => engine.docker("ps", "--format", "{{.Names}}").trim();

  it("takes over from the native service with one line of config, and the messages with it", () => {
    stack.configure({});
    up();
    assert.equal(stack.nats("stream", "add", "kept", "--subjects", "kept.>", "--defaults").status, 0);
    assert.equal(stack.nats("pub", "kept.one", "message").status, 0);
    inDocker({});
    const output = up();
    assert.match(output, /queue group/);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
    assert.equal(existsSync(join(stack.prefix, "run/supervisord.pid")), false);
  });

  it("runs as a container that may do nothing else", () => {
    const [container] = engine.confined(running());
    assert.equal(container?.HostConfig.Memory, 190 * 2 ** 20, "200MB in whole MiB");
    const writable = container.Mounts.filter(({ RW }) => RW);
    assert.deepEqual(
      writable.map(({ Type, Destination }) => [Type, Destination]),
      [["volume", join(stack.prefix, "var/lib/nats")]],
    );
  });

  it("has nothing to do then", () => {
    assert.deepEqual(changes(), []);
  });

  it("becomes healthy in the engine's own eyes", async () => {
    await eventually("healthy", 40, () => engine.docker("ps", "--format", "{{.Status}}").includes("(healthy)"));
  });

  it("takes a changed limit over by a reload: its line is in the preview, the container stays", () => {
    const before = running();
    inDocker({ maxConnections: 500 });
    const { output } = stack.operate("preview", "--diff");
    assert.match(output, /\+ max_connections: 500/);
    assert.deepEqual(changes(), ["update nats-config", "update nats-server-service", "update nats-verify"]);
    up();
    assert.equal(running(), before);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
  });

  it("is another container with another cap; the message is there", () => {
    const before = running();
    inDocker(current);
    up();
    assert.notEqual(running(), before);
    assert.equal(engine.docker("ps", "--all", "--format", "{{.Names}}").trim(), running(), "the container before is gone");
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
    assert.deepEqual(changes(), []);
  });

  it("shows a removed container in a preview, and makes it again", () => {
    engine.docker("rm", "--force", running());
    assert.ok(changes().includes("replace nats-server-container"), changes().join(", "));
    up();
    assert.deepEqual(changes(), []);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
  });

  const images = () =>
    engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=localhost/messaging/*").trim();

  it("builds an image anew that somebody has removed", () => {
    assert.match(images(), /^\S+$/, "those before are gone");
    engine.docker("image", "rm", "--force", images());
    assert.ok(changes().includes("update nats-server-image"), changes().join(", "));
    up();
    assert.match(images(), /^\S+$/);
    assert.deepEqual(changes(), []);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
  });

  const where = "local, docker";
  const container = "$(docker ps --quiet)";
  const ofContainer = { where, tasks: ["local-nats-server-service"], followers: ["local-nats-verify"] };
  const exec = (command: string) => run("sh", "-c", `PREFIX=${stack.prefix}\nexport DOCKER_HOST=${engine.host}\n${command}`);
  const onEveryHost = natsDrifts({
    key: "local",
    where,
    maxConnections: current.maxConnections,
    manager: {
      folder: "docker",
      line: ['"restart": "unless-stopped"', '"restart": "no"'],
      stop: `docker stop ${container}`,
      reload: `docker exec ${container} sh -c 'kill -HUP 1'`,
    },
    exec,
  });
  const drifts: Drift[] = [
    // Tools, links and definitions are files of the host as without containers.
    ...onEveryHost.filter(({ name }) => !/^(link|binary|unit)/.test(name)),
    {
      ...ofContainer,
      name: "service disabled",
      edit: () => void exec(`docker update --restart no ${container}`),
      shown: /# expected: restart unless-stopped\n *\+ # found: {4}restart no$/m,
    },
    {
      ...ofContainer,
      name: "memory cap of a container changed",
      edit: () => void exec(`docker update --memory 100m --memory-swap 100m ${container}`),
      shown: /# expected: memory cap \d+, without swap\n *\+ # found: {4}memory cap 104857600, without swap/,
    },
  ];
  for (const drift of drifts) it(`drift: ${drift.name}: seen, repaired, and gone`, () => seeAndRepair(stack, drift));

  it("comes back when it is killed, and when the engine is restarted", async () => {
    const pid = () => Number(engine.docker("inspect", "--format", "{{.State.Pid}}", running()));
    const first = pid();
    process.kill(first, "SIGKILL");
    await eventually("another process", 30, () => running() !== "" && pid() > 0 && pid() !== first);
    await engine.stop();
    await engine.start();
    await eventually("it answers", 60, async () => (await stack.monitor("healthz"))?.["status"] === "ok");
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
    assert.deepEqual(changes(), []);
  });

  it("goes back to the container before when the next one does not start, and forgets that when the config does", async () => {
    const before = running();
    const stranger = createServer().listen(0, "127.0.0.1");
    await once(stranger, "listening");
    const { port } = stranger.address() as AddressInfo;
    // Not looked at, or the port would be refused at once.
    inDocker({ ...current, ports: { client: port, monitoring: stack.monitoring } }, { observe: false });
    const { status, output } = stack.operate("up");
    stranger.close();
    assert.notEqual(status, 0);
    assert.match(output, /stopped \(.*port is already allocated|address already in use/);
    assert.match(output, /Switched back: nats-server runs as it did before/);
    assert.equal(running(), before);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
    inDocker(current);
    up();
    assert.deepEqual(changes(), []);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
  });

  it("serves TLS with a certificate of the user's to clients that show theirs, and a pipeline is one", async () => {
    const [http = 0] = await freePorts(1);
    const tls = { own: issuedByStranger(stack.directory, "own", "DNS:nats-server"), clients: ["agents"] };
    const stream = (name: string) => ({ [name]: { preset: "eventLog", maxBytes: "64MB", subjects: [`${name}.>`] } });
    const streams = { ...stream("events"), ...stream("dead-letters") };
    inDocker(
      { ...current, tls, streams },
      { benthos: { memory: "96MiB", ports: { http }, pipelines: { "ingestion/http_to_jetstream": {} } } },
    );
    up();
    assert.deepEqual(changes(), []);
    const answer = await fetch(`http://127.0.0.1:${http}/ingestion_http_to_jetstream/events`, {
      method: "POST",
      headers: { connection: "close" },
      body: JSON.stringify({ agent: "tester", kind: "note" }),
    });
    assert.equal(answer.status, 200, await answer.text());
    const nats = (...args: string[]) =>
      stack.run(join(stack.prefix, "opt/nats/current/nats"), "--context", "messaging-test-local", ...args).output;
    assert.match(nats("stream", "info", "events"), /Messages: 1\b/);
    assert.match(nats("stream", "info", "kept"), /Messages: 1\b/);
    assert.notEqual(stack.nats("stream", "info", "kept").status, 0, "a client without a certificate");
  });

  it("moves back to the native service without that line, and the messages with it", () => {
    stack.configure(current, { allowDataLoss: ["stream/events", "stream/dead-letters"] });
    up();
    assert.equal(engine.docker("ps", "--all", "--quiet").trim() + images(), "");
    assert.ok(stack.pid("nats-server") > 0);
    assert.match(stack.nats("stream", "info", "kept").output, /Messages: 1\b/);
    assert.deepEqual(changes(), []);
  });

  it("is driven over SSH as well, and keeps the volume and the data when it goes", async () => {
    const sshd = await Sshd.start();
    process.env["SSH_AUTH_SOCK"] = sshd.agent;
    const remote = await TestStack.forPulumi();
    try {
      const login = {
        connection: "ssh",
        host: "127.0.0.1",
        port: sshd.port,
        user: userInfo().username,
        agent: true,
        hostKey: sshd.hostKey,
      };
      remote.configure({}, { hosts: { edge: { ...login, prefix: remote.prefix, services: "docker", docker } } });
      const succeed = (operation: "up" | "destroy") => {
        const { status, output } = remote.operate(operation);
        assert.equal(status, 0, output);
        return output;
      };
      assert.match(succeed("up"), /queue group/);
      engine.confined(running());
      assert.deepEqual(remote.changes(), []);
      engine.docker("rm", "--force", running());
      assert.ok(remote.changes().some(({ op, urn }) => op === "replace" && urn.endsWith("::edge-nats-server-container")));
      succeed("up");
      assert.deepEqual(remote.changes(), []);
      succeed("destroy");
      assert.equal(engine.docker("ps", "--all", "--quiet").trim() + images(), "");
      assert.match(engine.docker("volume", "ls", "--format", "{{.Name}}"), /^messaging-test-edge-nats-server-/m);
      assert.ok(existsSync(join(remote.prefix, "var/lib/nats/jetstream")));
    } finally {
      remote.dispose();
      await sshd.dispose();
    }
  });
});

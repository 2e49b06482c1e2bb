import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { artifactPin, pinnedVersions } from "../../config/pins";
import { artifactDir, root } from "../../setup/paths";
import { describeWithMachines, Machine } from "../support/machine";
import { run } from "../support/processes";
import { eventually } from "../support/temporary";
import { TestStack } from "../support/test-stack";

const UNIT = (service: string) => `messaging-test-${service}.service`;
const TOPIC = "persistent://arc/agents/events";
const FILE_SERVER = join(__dirname, "../support/file-server.mjs");
/** Port of the source in the machine's own network. */
const SOURCE_PORT = 8099;
const PULSAR = pinnedVersions("pulsar")[0];
const BENTHOS = pinnedVersions("benthos")[0];

describeWithMachines("the example with two hosts, by the npm scripts and an agent", 1_800_000, () => {
  let stack: TestStack;
  let core: Machine;
  let edge: Machine;
  let agent: string;
  let source: ChildProcess | undefined;
  let requests = "";

  before(async () => {
    [core, edge] = await Promise.all([Machine.boot(), Machine.boot()]);
    edge.addUser("deploy", true);
    const socket = join(core.directory, "agent");
    agent = /AGENT_PID=(\d+)/.exec(run("ssh-agent", "-s", "-a", socket))?.[1] ?? "";
    process.env["SSH_AUTH_SOCK"] = socket;
    for (const [key, machine] of Object.entries({ core, edge })) {
      const file = join(machine.directory, `${key}_key`);
      writeFileSync(file, machine.privateKey, { mode: 0o600 });
      run("ssh-add", "-q", file);
    }
    stack = await TestStack.forNpmScripts();
    configure();
  });

  after(async () => {
    source?.kill();
    if (agent !== "") process.kill(Number(agent));
    stack.dispose();
    await Promise.all([core.dispose(), edge.dispose()]);
  });

  /** The example's settings, with where the machines are and where the archive is that the host downloads by itself. */
  function configure(): void {
    const { config } = parse(readFileSync(join(root, "Pulumi.two-hosts.yaml"), "utf8")) as {
      config: Record<string, Record<string, object>>;
    };
    const settings = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("messaging:", ""), value]));
    const at = (machine: Machine) => ({ host: "127.0.0.1", port: machine.port, hostKey: machine.hostKey });
    const [archive] = artifactPin("pulsar", PULSAR, "any").sources;
    stack.configureWithoutNats({
      ...settings,
      hosts: {
        core: { ...settings["hosts"]?.["core"], ...at(core) },
        edge: { ...settings["hosts"]?.["edge"], ...at(edge) },
      },
      // The source of the test speaks plain http.
      policies: { "https-sources": "advisory" },
      pulsar: {
        ...settings["pulsar"],
        source: { url: `http://127.0.0.1:${SOURCE_PORT}/${archive?.file}`, sha512: archive?.digest.replace("sha512:", "") },
      },
    });
  }

  /** Serves the archive in the network of a host, in place of the Internet. */
  async function serve(mode: "cut" | "altered", ...rate: string[]): Promise<void> {
    if (source !== undefined) {
      source.kill();
      await once(source, "exit");
    }
    const [archive] = artifactPin("pulsar", PULSAR, "any").sources;
    const file = join(artifactDir("pulsar", PULSAR, "any"), archive?.file ?? "");
    assert.ok(existsSync(file));
    source = core.spawnInNetwork(process.execPath, FILE_SERVER, file, String(SOURCE_PORT), mode, ...rate);
    source.stderr?.on("data", (piece: Buffer) => (requests += piece.toString()));
    await once(source.stdout ?? source, "data");
  }

  const listeners = (machine: Machine) =>
    machine
      .exec("ss -Hltn")
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/)[3] ?? "")
      .filter((address) => !/:22$/.test(address));
  const duckdb = (query: string) =>
    `/opt/messaging/opt/duckdb/current/duckdb -readonly -noheader -list /opt/messaging/var/lib/benthos/events.duckdb '${query}'`;
  const arrived = (id: string) =>
    core.exec(
      `for second in $(seq 60); do [ "$(${duckdb(`SELECT id FROM events WHERE id = $$${id}$$`)} 2>/dev/null)" != ${id} ] || exec echo there; sleep 1; done`,
    );
  const event = (id: string) =>
    core.exec(
      `curl -fsS -H 'Message-Id: ${id}' -d '{"agent":"tester","kind":"n","at":"2026-01-02T03:04:05Z","data":{}}' http://127.0.0.1:4195/ingestion_http_to_jetstream/events`,
    );
  const exposure = (machine: Machine, service: string) => {
    const said = machine.exec(`systemd-analyze security --no-pager ${UNIT(service)} | tail -n 2`);
    const level = Number(/exposure level for .*: ([0-9.]+)/.exec(said)?.[1]);
    console.log(`systemd-analyze security: ${UNIT(service)} ${level}`);
    return level;
  };

  test("an archive that was tampered with is refused on the host, and nothing of it is installed", async () => {
    await serve("altered");
    const up = stack.npmScript("up");
    assert.notEqual(up.status, 0);
    assert.match(
      up.output,
      new RegExp(`pulsar ${PULSAR}: checksum mismatch in http://127\\.0\\.0\\.1:${SOURCE_PORT}/[^]*Nothing was installed`),
    );
    assert.equal(core.exec("ls /opt/messaging/opt/pulsar 2>/dev/null || :"), "");
  });

  test("up installs both; a host downloads by itself, says how far it is, and goes on where the connection broke", async () => {
    // Some twelve seconds.
    await serve("cut", "18000000");
    const up = stack.npmScript("up");
    assert.equal(up.status, 0, up.output);
    assert.match(up.output, /pulsar-server-distribution\S+: \d+ MB fetched/);
    await eventually("the second request asks for the rest", 5, () => /^\/\S+ [1-9]\d{7,}$/m.test(requests));
    assert.match(up.output, /DuckDB: 100 messages published, 100 arrived, 0 lost/);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    for (const service of ["nats-server", "pulsar", "benthos"]) {
      assert.equal(core.exec(`systemctl is-active ${UNIT(service)}`), "active\n");
      const user = core.exec(`ps -o user:20= -p $(systemctl show -p MainPID --value ${UNIT(service)})`).trim();
      assert.equal(user, `messaging-${service.replace("-server", "")}`);
    }
    assert.equal(edge.exec(`systemctl is-active ${UNIT("nats-server")}`), "active\n");
  });

  test("pipelines are rehearsed over SSH, with copies of the NATS and the Pulsar that they read and write; what runs is not touched", () => {
    const pids = () => core.exec(`systemctl show -p MainPID --value ${["nats-server", "pulsar", "benthos"].map(UNIT).join(" ")}`);
    const before = pids();
    const { status, output } = stack.npmScript("upgrade", "--rehearse", "benthos", BENTHOS);
    assert.equal(status, 0, output);
    assert.match(output, new RegExp(`rehearsed on host core: benthos ${BENTHOS} -> ${BENTHOS}, in \\d+ s; nothing was switched`));
    assert.match(output, /nats-server \S+: 60 messages read from where the reader was, of 100; streams: [1-9]\d*, all there/);
    assert.match(output, new RegExp(`pulsar ${PULSAR}: 60 messages read from where the reader was, of 100; topics: [1-9]\\d*, all there`));
    assert.equal(pids(), before);
    assert.equal(core.exec("ls -d /opt/messaging/rehearsal* 2>/dev/null || :"), "");
  });

  test("the exposure of the units is at most 1.5, Pulsar's 3.0", () => {
    assert.ok(exposure(core, "pulsar") <= 3);
    assert.ok(exposure(core, "benthos") <= 1.5);
    assert.ok(exposure(edge, "nats-server") <= 1.5);
  });

  test("every listener is on loopback", () => {
    for (const machine of [core, edge]) {
      assert.deepEqual(
        listeners(machine).filter((address) => !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address)),
        [],
      );
    }
  });

  test("the budget measures every service under systemd", () => {
    const { status, output } = stack.npmScript("budget", "--json");
    assert.equal(status, 0, output);
    const hosts = JSON.parse(output) as { host: string; ram: { component: string; plannedBytes: number; measuredBytes?: number }[] }[];
    const measured = hosts.flatMap(({ ram }) => ram);
    assert.deepEqual(measured.map(({ component }) => component).sort(), ["core-benthos", "core-nats", "core-pulsar", "edge-nats"]);
    for (const { component, plannedBytes, measuredBytes = NaN } of measured)
      assert.ok(measuredBytes > 2 ** 20 && measuredBytes < plannedBytes, `${component}: ${measuredBytes} of ${plannedBytes}`);
  });

  test("the logs of services are read from their journals", () => {
    for (const [service, line] of [
      ["nats", /Server is ready/],
      ["pulsar", /messaging service is ready/],
    ] as const) {
      const { status, output } = stack.npmScript("logs", service, "--host", "core", "--lines", "100000");
      assert.equal(status, 0, output);
      assert.match(output, line);
    }
  });

  test("an event handed in over HTTP becomes a row", () => {
    event("first");
    assert.equal(arrived("first"), "there\n");
  });

  test("after a reboot of one host every service and message of it is back, and it works on", async () => {
    core.exec(
      `curl -fsS -X PUT -H 'Content-Type: application/json' -d '"earliest"' http://127.0.0.1:8080/admin/v2/persistent/arc/agents/events/subscription/me`,
    );
    core.exec(`/opt/messaging/bin/pulsar-client produce ${TOPIC} --messages before-the-reboot`);
    await core.reboot();
    core.exec("for second in $(seq 120); do curl -fs http://127.0.0.1:8080/admin/v2/brokers/health && exit 0; sleep 1; done; exit 1");
    assert.match(
      core.exec(`/opt/messaging/bin/pulsar-client consume ${TOPIC} --subscription-name me --num-messages 2`),
      /before-the-reboot/,
    );
    const stream = core.exec("curl -fsS 'http://127.0.0.1:8222/jsz?streams=true'");
    assert.match(stream, /"name": "events",[^]*?"messages": [1-9]/);
    assert.equal(arrived("first"), "there\n");
    event("second");
    assert.equal(arrived("second"), "there\n");
    const status = stack.npmScript("status");
    assert.equal(status.status, 0, status.output);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
  });

  test("destroy keeps the data", () => {
    const { status, output } = stack.npmScript("destroy");
    assert.equal(status, 0, output);
    for (const machine of [core, edge]) assert.equal(machine.exec(`systemctl list-units --all --no-legend 'messaging*'`), "");
    assert.match(core.exec("ls /opt/messaging/var/lib"), /pulsar/);
  });
});

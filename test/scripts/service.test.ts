import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { parseConfig } from "../../config/load";
import { layout } from "../../hosts/layout";
import { natsServerConf } from "../../render/nats-server";
import { supervisordConf, supervisordProgram } from "../../render/supervisord";
import { natsContextJson } from "../../tasks/nats-context";
import { HostShell, type Outcome, USERLANDS } from "../support/host-shell";
import { eventually, freePorts, isAlive } from "../support/temporary";

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

const [VERSION] = pinnedVersions("nats-server");
const LATER = "2.12.8";
const [SUPERVISOR] = pinnedVersions("supervisor");

// One GNU and one BusyBox userland: every step here starts real processes.
for (const userland of USERLANDS.filter(({ name }) => /^(bash|ash) /.test(name) || USERLANDS.length === 2)) {
  describe(userland.name, { timeout: 300_000 }, () => {
    let host: HostShell;
    let port: number;
    let monitoring: number;
    const paths = () => layout(host.prefix);
    const conf = (maxConnections: number, overrides: Record<string, unknown> = {}) => {
      const { nats } = parseConfig({ nats: { maxConnections, ports: { client: port, monitoring }, ...overrides } });
      assert.ok(nats);
      return natsServerConf(nats, "test", { storeDir: paths().data("nats"), pidFile: paths().pidFile("nats-server") });
    };
    const program = () =>
      supervisordProgram({
        name: "nats-server",
        description: "",
        command: [`${paths().opt("nats-server", "current")}/nats-server`, "-c", paths().etc("nats", "nats-server.conf")],
        environment: { GOMEMLIMIT: "100000000" },
        memoryBytes: 1,
        openFiles: 1,
        oomScoreAdjust: 0,
        startSeconds: 1,
        stopSignal: "INT",
        stopTimeoutSeconds: 10,
        network: { ports: [4222], health: { port: 8222, path: "/healthz" } },
        writableDirectories: [],
        logFile: paths().log("nats-server"),
      });
    const supervisor = { SUPERVISOR_VERSION: SUPERVISOR };
    const daemon = () =>
      supervisordConf({
        socket: join(host.prefix, "run/supervisor.sock"),
        pidFile: paths().pidFile("supervisord"),
        logFile: paths().log("supervisord"),
        programsDirectory: paths().etc("supervisor", "conf.d"),
      });
    const configInputs = (version: string = VERSION) => ({
      FILE: paths().etc("nats", "nats-server.conf"),
      BASE: "",
      CHECK: "nats-server",
      VERSION: version,
    });
    const definitionInputs = () => ({ FILE: paths().etc("supervisor", "nats-server"), BASE: "", CHECK: "", VERSION: "" });
    const serviceInputs = (config: string, version: string = VERSION, keepVersions = 2) => ({
      NAME: "nats-server",
      MANAGER: "supervisord",
      ...supervisor,
      VERSION: version,
      DATA: paths().data("nats"),
      KEEP_VERSIONS: String(keepVersions),
      CONFIGS: `${paths().etc("nats", "nats-server.conf")}.${digest(config)}`,
      DEFINITION: `${paths().etc("supervisor", "nats-server")}.${digest(program())}`,
    });
    const varz = (key: string) => {
      const answer = spawnSync("curl", ["-fsS", `http://127.0.0.1:${monitoring}/varz`], { encoding: "utf8" }).stdout;
      return (JSON.parse(answer) as Record<string, unknown>)[key];
    };
    const succeed = (outcome: Outcome, pattern: RegExp) => {
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.match(outcome.stdout, pattern);
    };
    const verifyInputs = () => ({
      URL: `nats://127.0.0.1:${port}`,
      MONITORING_URL: `http://127.0.0.1:${monitoring}`,
      SERVICE_DIGEST: "x",
    });
    const nats = (args: readonly string[]) =>
      spawnSync(join(host.prefix, "opt/nats/current/nats"), args, {
        encoding: "utf8",
        env: { ...process.env, XDG_CONFIG_HOME: host.configHome },
      });
    /** Names of the streams on the server. */
    const streams = () => {
      const url = `http://127.0.0.1:${monitoring}/jsz?streams=true`;
      const answer = JSON.parse(spawnSync("curl", ["-fsS", url], { encoding: "utf8" }).stdout) as {
        account_details?: { stream_detail?: { name: string }[] }[];
      };
      return (answer.account_details ?? []).flatMap((account) => (account.stream_detail ?? []).map(({ name }) => name));
    };
    /** Subscribers and responders of a proof that still run, here and nowhere else on the machine. */
    const proofProcesses = () =>
      spawnSync("ps", ["-eo", "args="], { encoding: "utf8" })
        .stdout.split("\n")
        .filter((line) => line.startsWith(host.prefix) && line.includes("_verify."));
    const contextInputs = { NAME: "messaging-test-local" };
    const context = () => natsContextJson(`nats://127.0.0.1:${port}`, "NATS of a test");
    const contextFile = () => join(host.configHome, "nats/context/messaging-test-local.json");

    before(async () => {
      host = new HostShell(userland);
      [port, monitoring] = (await freePorts(2)) as [number, number];
      for (const name of ["gojq", "nats"] as const) host.installArtifact(name, true);
      for (const name of ["nats-server", "supervisor"] as const) host.installArtifact(name, false);
      succeed(host.task("apply", "data-directory", { DIRECTORY: paths().data("nats") }), /ready/);
    });
    after(() => {
      host.task("remove", "supervisord", supervisor, daemon());
      host.dispose();
    });

    test("supervisord: started, unchanged, started again after kill -9", () => {
      succeed(host.task("apply", "supervisord", supervisor, daemon()), /running/);
      succeed(host.task("apply", "supervisord", supervisor, daemon()), /^unchanged$/m);
      process.kill(Number(readFileSync(paths().pidFile("supervisord"), "utf8")), "SIGKILL");
      assert.match(
        host.task("differences", "supervisord", supervisor, daemon()).stdout,
        /expected: supervisord running\nfound: {4}supervisord stopped/,
      );
      succeed(host.task("apply", "supervisord", supervisor, daemon()), /running/);
    });

    test("service: started and proven, unchanged, a new limit in effect, links in place", () => {
      succeed(host.task("apply", "config-file", { RESOURCE: "test-definition", ...definitionInputs() }, program()), /written/);
      for (const limit of [1000, 2000]) {
        succeed(host.task("apply", "config-file", configInputs(), conf(limit)), /written/);
        succeed(host.task("apply", "service", serviceInputs(conf(limit))), /nats-server 2\.10\.29 running/);
        succeed(host.task("apply", "service", serviceInputs(conf(limit))), /^unchanged$/m);
        assert.equal(varz("max_connections"), limit);
        assert.equal(varz("gomemlimit"), 100_000_000);
      }
      assert.equal(readlinkSync(paths().etc("nats", "nats-server.conf")), `nats-server.conf.${digest(conf(2000))}`);
      assert.equal(existsSync(`${paths().etc("nats", "nats-server.conf")}.${digest(conf(1000))}`), false);
    });

    test("service: a reload where every changed line allows it, a restart where one does not, and a refused reload is noticed and undone", () => {
      const pid = () => readFileSync(paths().pidFile("nats-server"), "utf8");
      const change = (config: string, pattern: RegExp) => {
        succeed(host.task("apply", "config-file", configInputs(), config), /written|unchanged/);
        succeed(host.task("apply", "service", serviceInputs(config)), pattern);
      };
      const before = pid();
      change(conf(2001), /running \(reload\)/);
      assert.equal(pid(), before);
      assert.equal(varz("max_connections"), 2001);
      const pending = conf(2001).replace("max_pending: 16000000", "max_pending: 17000000");
      change(pending, /running \(restart\)/);
      assert.notEqual(pid(), before);
      assert.equal(varz("max_pending"), 17_000_000);
      const mislabelled = pending.replace("max_pending: 17000000 # restart", "max_pending: 18000000 # reload");
      const relabelled = pending.replace("max_pending: 17000000 # restart", "max_pending: 17000000 # reload");
      change(relabelled, /running/);
      succeed(host.task("apply", "config-file", configInputs(), mislabelled), /written/);
      const refused = host.task("apply", "service", serviceInputs(mislabelled));
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /refuses the reload[^]*config reload not supported for MaxPending[^]*Switched back/);
      assert.equal(varz("max_pending"), 17_000_000);
      change(conf(2000), /running \(restart\)/);
    });

    test("nats-verify: each line of the proof, and nothing is left", () => {
      const { status, stdout, stderr } = host.task("apply", "nats-verify", verifyInputs());
      assert.equal(status, 0, stderr);
      const lines = stdout.trimEnd().split("\n");
      const expected = [
        /^monitoring: healthz, varz, connz, subsz and jsz answer$/,
        /^JetStream publish: acknowledged with sequence 1$/,
        /^deduplication: of two publishes with one Nats-Msg-Id one message is kept$/,
        /^durable pull consumer: a fetch and its acknowledgement move pending from 2 to 1 and the ack floor from 0 to 1$/,
        /^publish and subscribe: a published message arrives$/,
        /^request and reply: the reply arrives$/,
        /^queue group: 30 messages, each to one of 3 workers \((\d+)\+(\d+)\+(\d+)\)$/,
        /^redelivery: a message without acknowledgement comes again after 100 ms, with delivery count 2$/,
      ];
      assert.equal(lines.length, expected.length, stdout);
      for (const [index, line] of expected.entries()) assert.match(lines[index] ?? "", line);
      const counts =
        expected[6]
          ?.exec(lines[6] ?? "")
          ?.slice(1)
          .map(Number) ?? [];
      assert.equal(
        counts.reduce((sum, count) => sum + count, 0),
        30,
      );
      assert.deepEqual(streams(), []);
      assert.deepEqual(proofProcesses(), []);
    });

    test("nats-verify: what a killed run left is removed first, what an interrupted one made by itself", async () => {
      for (const signal of ["SIGKILL", "SIGTERM"] as const) {
        const run = host.start("apply", "nats-verify", verifyInputs());
        const ended = new Promise((resolve) => run.on("exit", resolve));
        await eventually("the proof has its stream", 15, () => streams().length === 1);
        process.kill(run.pid ?? NaN, signal);
        await ended;
        assert.equal(streams().length, signal === "SIGKILL" ? 1 : 0);
        if (signal === "SIGTERM") assert.deepEqual(proofProcesses(), []);
        succeed(host.task("apply", "nats-verify", verifyInputs()), /redelivery/);
        assert.deepEqual(streams(), []);
        await eventually("the processes of the killed run end", 10, () => proofProcesses().length === 0);
      }
    });

    test("nats-verify: a server without room, without JetStream, or down is named, and nothing is left", async () => {
      const [client, http] = (await freePorts(2)) as [number, number];
      const inputs = { ...verifyInputs(), URL: `nats://127.0.0.1:${client}`, MONITORING_URL: `http://127.0.0.1:${http}` };
      const store = join(host.directory, "store");
      for (const [jetstream, reason] of [
        [
          `jetstream { store_dir: ${store}, max_mem: 1MB, max_file: 10KB }`,
          /no room for a temporary stream of 65536 bytes: insufficient storage/,
        ],
        ["", /JetStream is not enabled/],
      ] as const) {
        const config = join(host.directory, "other.conf");
        writeFileSync(config, `listen: 127.0.0.1:${client}\nhttp: 127.0.0.1:${http}\n${jetstream}\n`);
        const server = spawn(join(host.prefix, "opt/nats-server/current/nats-server"), ["-c", config], { stdio: "ignore" });
        try {
          const health = () => spawnSync("curl", ["-fs", `${inputs.MONITORING_URL}/healthz`]).status === 0;
          await eventually("the other server answers", 5, health);
          const outcome = host.task("apply", "nats-verify", inputs);
          assert.equal(outcome.status, 1);
          assert.match(outcome.stderr, reason);
          assert.deepEqual(proofProcesses(), []);
        } finally {
          const ended = new Promise((resolve) => server.on("exit", resolve));
          server.kill();
          await ended;
        }
      }
      const down = host.task("apply", "nats-verify", inputs);
      assert.equal(down.status, 1);
      assert.match(down.stderr, /healthz does not answer/);
      const noClients = host.task("apply", "nats-verify", { ...inputs, MONITORING_URL: verifyInputs().MONITORING_URL });
      assert.equal(noClients.status, 1);
      assert.match(noClients.stderr, new RegExp(`JetStream on ${inputs.URL} does not answer: .*no servers available`));
    });

    test("nats-context: written for its user alone, unchanged, and the nats CLI takes it", () => {
      succeed(host.task("apply", "nats-context", contextInputs, context()), /nats context messaging-test-local written/);
      assert.equal(statSync(contextFile()).mode & 0o777, 0o600);
      assert.equal(statSync(dirname(contextFile())).mode & 0o777, 0o700);
      assert.deepEqual(JSON.parse(readFileSync(contextFile(), "utf8")), {
        description: "NATS of a test (Managed by Pulumi)",
        url: `nats://127.0.0.1:${port}`,
      });
      succeed(host.task("apply", "nats-context", contextInputs, context()), /^unchanged$/m);
      const used = nats(["--context", contextInputs.NAME, "rtt"]);
      assert.equal(used.status, 0, used.stderr);
      assert.match(used.stdout, new RegExp(`nats://127\\.0\\.0\\.1:${port}`));
      assert.equal(existsSync(join(host.configHome, "nats/context.txt")), false);
    });

    test("nats-context: a hand-edited one is seen and repaired", () => {
      writeFileSync(contextFile(), context().replace(String(port), "4999"));
      chmodSync(contextFile(), 0o644);
      const { stdout } = host.task("differences", "nats-context", contextInputs, context());
      assert.match(stdout, /expected: .* -rw------- /);
      assert.match(stdout, /found: {4}.* -rw-r--r-- /);
      assert.match(stdout, /found: {4}messaging-test-local: {3}"url": "nats:\/\/127\.0\.0\.1:4999"/);
      succeed(host.task("apply", "nats-context", contextInputs, context()), /written/);
      assert.equal(readFileSync(contextFile(), "utf8"), context());
      assert.equal(statSync(contextFile()).mode & 0o777, 0o600);
    });

    test("nats-context: one by another hand is refused and left alone; ours is removed, twice", () => {
      const foreign = '{ "description": "mine", "url": "nats://elsewhere:4222" }\n';
      writeFileSync(contextFile(), foreign);
      const refused = host.task("apply", "nats-context", contextInputs, context());
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /was not made by this project .* and is left alone/);
      succeed(host.task("remove", "nats-context", contextInputs, context()), /kept: it is not ours/);
      assert.equal(readFileSync(contextFile(), "utf8"), foreign);
      rmSync(contextFile());
      succeed(host.task("apply", "nats-context", contextInputs, context()), /written/);
      for (const _ of [1, 2]) succeed(host.task("remove", "nats-context", contextInputs, context()), /removed/);
      assert.equal(existsSync(contextFile()), false);
    });

    test("a killed server is back within 5 s", async () => {
      const pid = readFileSync(paths().pidFile("nats-server"), "utf8");
      process.kill(Number(pid), "SIGKILL");
      const health = () => spawnSync("curl", ["-fs", `http://127.0.0.1:${monitoring}/healthz`]).status === 0;
      await eventually("another nats-server answers", 5, () => readFileSync(paths().pidFile("nats-server"), "utf8") !== pid && health());
    });

    test("a config that nats-server refuses never becomes a candidate, and the server goes on", () => {
      for (const [broken, reason] of [
        [conf(2000).replace("max_connections", "max_conections"), /unknown field "max_conections"/],
        [conf(2000).replace(/max_pending: .*/, "max_pending: 1000"), /max_payload is above max_pending/],
        [conf(2000).replace(/store_dir: .*/, 'store_dir: "/proc/none"'), /store_dir \/proc\/none is not writable/],
      ] as const) {
        const outcome = host.task("apply", "config-file", configInputs(), broken);
        assert.equal(outcome.status, 1);
        assert.match(outcome.stderr, /refused by nats-server; the running service is untouched/);
        assert.match(outcome.stderr, reason);
        assert.equal(existsSync(`${configInputs().FILE}.${digest(broken)}`), false);
      }
      assert.equal(varz("max_connections"), 2000);
    });

    test("a config that passes the check but does not start is rolled back", async () => {
      const stranger = createServer();
      await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
      const address = stranger.address();
      assert.ok(typeof address === "object" && address !== null);
      const broken = conf(2000).replace(`listen: 127.0.0.1:${port}`, `listen: 127.0.0.1:${address.port}`);
      try {
        succeed(host.task("apply", "config-file", configInputs(), broken), /written/);
        const outcome = host.task("apply", "service", serviceInputs(broken));
        assert.equal(outcome.status, 1);
        assert.match(outcome.stderr, /address already in use/);
        assert.match(outcome.stderr, /Switched back: nats-server runs as it did before/);
      } finally {
        stranger.close();
      }
      assert.equal(varz("max_connections"), 2000);
      assert.equal(varz("port"), port);
      succeed(host.task("apply", "service", serviceInputs(conf(2000))), /^unchanged$/m);
      assert.match(host.task("differences", "service", serviceInputs(broken)).stdout, /expected: .*nats-server\.conf/);
    });

    test("what is repointed or stopped by hand is seen and repaired", () => {
      const service = serviceInputs(conf(2000));
      spawnSync("ln", ["-sfn", "elsewhere", configInputs().FILE]);
      assert.match(host.task("differences", "service", service).stdout, /found: .*nats-server\.conf -> elsewhere/);
      succeed(host.task("apply", "service", service), /running/);
      spawnSync(join(host.prefix, "opt/supervisor", SUPERVISOR, "bin/supervisorctl"), [
        "-c",
        join(host.prefix, "etc/supervisor/supervisord.conf"),
        "stop",
        "nats-server",
      ]);
      assert.match(host.task("differences", "service", service).stdout, /found: .*nats-server stopped, does not answer/);
      succeed(host.task("apply", "service", service), /running/);
    });

    test("a later version on the same data: a raised store limit is restarted by the one and reloaded by the other, a lowered one always restarts; no way back", () => {
      host.installArtifact("nats-server", false, LATER);
      const switched = (version: string, maxFileStore: string, keepVersions?: number) => {
        const config = conf(2000, { version, jetstream: { maxFileStore } });
        succeed(host.task("apply", "config-file", configInputs(version), config), /written|unchanged/);
        return host.task("apply", "service", serviceInputs(config, version, keepVersions));
      };
      const installed = () => readdirSync(join(host.prefix, "opt/nats-server")).sort();
      succeed(switched(VERSION, "11GB"), /2\.10\.29 running \(restart\)/);
      assert.equal(nats(["--no-context", "-s", verifyInputs().URL, "stream", "add", "kept", "--subjects", "kept", "--defaults"]).status, 0);
      succeed(switched(LATER, "11GB"), /2\.12\.8 running \(restart\)/);
      assert.equal(varz("version"), LATER);
      assert.deepEqual(streams(), ["kept"]);
      succeed(switched(LATER, "12GB"), /running \(reload\)/);
      succeed(switched(LATER, "11GB"), /running \(restart\)/);
      const pid = readFileSync(paths().pidFile("nats-server"), "utf8");
      const refused = switched(VERSION, "11GB");
      assert.equal(refused.status, 1);
      assert.match(
        refused.stderr,
        /refused, nothing was changed:\nnats-server 2\.10\.29 must not serve the streams in .*: 2\.12\.8 has written them/,
      );
      assert.equal(readFileSync(paths().pidFile("nats-server"), "utf8"), pid);
      succeed(host.task("apply", "nats-verify", verifyInputs()), /redelivery/);
      assert.deepEqual(installed(), [VERSION, LATER, "current"]);
      succeed(switched(LATER, "12GB", 1), /running \(reload\)/);
      assert.deepEqual(installed(), [LATER, "current"], "no more versions than asked for");
    });

    test("each is removed twice, the data stays and no process is left", () => {
      mkdirSync(join(paths().data("nats"), "jetstream"), { recursive: true });
      const pids = ["nats-server", "supervisord"].map((name) => Number(readFileSync(paths().pidFile(name), "utf8")));
      for (const _ of [1, 2]) {
        succeed(host.task("remove", "service", serviceInputs(conf(2000))), /its data is kept/);
        succeed(host.task("remove", "config-file", configInputs(), conf(2000)), /removed/);
        succeed(host.task("remove", "supervisord", supervisor, daemon()), /stopped and removed/);
      }
      for (const pid of pids) assert.equal(isAlive(pid), false, `process ${pid}`);
      assert.equal(existsSync(join(paths().data("nats"), "jetstream")), true);
    });
  });
}

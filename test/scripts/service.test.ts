import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseConfig } from "../../config/load";
import { artifactPin, pinnedVersions } from "../../config/pins";
import { layout } from "../../hosts/layout";
import { natsServerConf } from "../../render/nats-server";
import { supervisordConf, supervisordProgram } from "../../render/supervisord";
import { artifactDir, platform } from "../../setup/paths";
import { SUPERVISOR } from "../../tasks/supervisord";
import { HostShell, type Outcome, USERLANDS } from "../support/host-shell";
import { eventually, freePorts, isAlive } from "../support/temporary";

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);

// One GNU and one BusyBox userland: every step here starts real processes.
for (const userland of USERLANDS.filter(({ name }) => /^(bash|ash) /.test(name) || USERLANDS.length === 2)) {
  describe(userland.name, { timeout: 180_000 }, () => {
    let host: HostShell;
    let port: number;
    let monitoring: number;
    const paths = () => layout(host.prefix);
    const conf = (maxConnections: number) => {
      const { nats } = parseConfig({ nats: { maxConnections, ports: { client: port, monitoring } } });
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
        stopSignal: "INT",
        stopTimeoutSeconds: 10,
        writableDirectories: [],
        logFile: paths().log("nats-server"),
      });
    const supervisor = { SUPERVISOR_VERSION: SUPERVISOR.version };
    const daemon = () =>
      supervisordConf({
        socket: join(host.prefix, "run/supervisor.sock"),
        pidFile: paths().pidFile("supervisord"),
        logFile: paths().log("supervisord"),
        programsDirectory: paths().etc("supervisor", "conf.d"),
      });
    const configInputs = () => ({ FILE: paths().etc("nats", "nats-server.conf"), CHECK: "nats-server", VERSION: "2.10.29" });
    const definitionInputs = () => ({ FILE: paths().etc("supervisor", "nats-server"), CHECK: "", VERSION: "" });
    const serviceInputs = (config: string) => ({
      NAME: "nats-server",
      MANAGER: "supervisord",
      ...supervisor,
      VERSION: "2.10.29",
      CONFIG: paths().etc("nats", "nats-server.conf"),
      CONFIG_DIGEST: digest(config),
      DEFINITION: paths().etc("supervisor", "nats-server"),
      DEFINITION_DIGEST: digest(program()),
    });
    const varz = (key: string) => {
      const answer = spawnSync("curl", ["-fsS", `http://127.0.0.1:${monitoring}/varz`], { encoding: "utf8" }).stdout;
      return (JSON.parse(answer) as Record<string, unknown>)[key];
    };
    const succeed = (outcome: Outcome, pattern: RegExp) => {
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.match(outcome.stdout, pattern);
    };
    const artifact = (name: "gojq" | "nats-server" | "nats", link: "yes" | "no"): Record<string, string> => {
      const [version] = pinnedVersions(name);
      const pin = artifactPin(name, version, platform());
      const cache = artifactDir(name, version, platform());
      return {
        RESOURCE: `test-${name}`,
        NAME: name,
        VERSION: version,
        BINARY: name,
        LINK: link,
        CACHE: cache,
        URL: pin.url ?? "",
        SHA256: pin.sha256 ?? "",
        BUILT_SHA256: pin.built,
      };
    };

    before(async () => {
      host = new HostShell(userland);
      [port, monitoring] = (await freePorts(2)) as [number, number];
      succeed(host.task("apply", "artifact", artifact("gojq", "yes")), /installed/);
      succeed(host.task("apply", "artifact", artifact("nats", "yes")), /installed/);
      succeed(host.task("apply", "artifact", artifact("nats-server", "no")), /installed/);
      succeed(host.task("apply", "data-directory", { DIRECTORY: paths().data("nats") }), /ready/);
    });
    after(() => {
      host.task("remove", "supervisord", supervisor, daemon());
      host.dispose();
    });

    test("python-venv: installed with hashes, unchanged; a wrong hash is refused", () => {
      const inputs = { NAME: "supervisor", VERSION: SUPERVISOR.version };
      succeed(host.task("apply", "python-venv", inputs, SUPERVISOR.requirements), /installed/);
      succeed(host.task("apply", "python-venv", inputs, SUPERVISOR.requirements), /^unchanged$/m);
      const tampered = host.task(
        "apply",
        "python-venv",
        { ...inputs, NAME: "other" },
        SUPERVISOR.requirements.replace(/sha256:./g, "sha256:f"),
      );
      assert.equal(tampered.status, 1);
      assert.match(tampered.stderr, /pip failed/);
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

    test("nats-verify: a message arrives", () => {
      const inputs = { URL: `nats://127.0.0.1:${port}`, MONITORING_URL: `http://127.0.0.1:${monitoring}`, SERVICE_DIGEST: "x" };
      for (const _ of [1, 2]) succeed(host.task("apply", "nats-verify", inputs), /publish and subscribe work/);
      const wrong = host.task("apply", "nats-verify", { ...inputs, MONITORING_URL: "http://127.0.0.1:9" });
      assert.equal(wrong.status, 1);
      assert.match(wrong.stderr, /does not answer/);
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
      spawnSync("ln", ["-sfn", "elsewhere", service.CONFIG]);
      assert.match(host.task("differences", "service", service).stdout, /found: .*nats-server\.conf -> elsewhere/);
      succeed(host.task("apply", "service", service), /running/);
      spawnSync(join(host.prefix, "opt/supervisor", SUPERVISOR.version, "bin/supervisorctl"), [
        "-c",
        join(host.prefix, "etc/supervisor/supervisord.conf"),
        "stop",
        "nats-server",
      ]);
      assert.match(host.task("differences", "service", service).stdout, /found: .*nats-server stopped, does not answer/);
      succeed(host.task("apply", "service", service), /running/);
    });

    test("each is removed twice, the data stays and no process is left", () => {
      mkdirSync(join(paths().data("nats"), "jetstream"), { recursive: true });
      const pids = ["nats-server", "supervisord"].map((name) => Number(readFileSync(paths().pidFile(name), "utf8")));
      for (const _ of [1, 2]) {
        succeed(host.task("remove", "service", serviceInputs(conf(2000))), /its data is kept/);
        succeed(host.task("remove", "config-file", configInputs(), conf(2000)), /removed/);
        succeed(host.task("remove", "supervisord", supervisor, daemon()), /stopped and removed/);
        succeed(host.task("remove", "python-venv", { NAME: "supervisor", VERSION: SUPERVISOR.version }), /removed/);
      }
      for (const pid of pids) assert.equal(isAlive(pid), false, `process ${pid}`);
      assert.equal(existsSync(join(paths().data("nats"), "jetstream")), true);
    });
  });
}

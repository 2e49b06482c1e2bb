import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import plist from "plist";
import { parseConfig } from "../../config/load";
import { pinnedVersions } from "../../config/pins";
import { launchdPlist } from "../../render/launchd";
import { dockerfile } from "../../render/docker";
import { natsServerConf } from "../../render/nats-server";
import { standaloneConf } from "../../render/pulsar";
import type { Service } from "../../render/service";
import { supervisordConf, supervisordProgram } from "../../render/supervisord";
import { systemdUnit } from "../../render/systemd";

const service: Service = {
  name: "nats-server",
  description: "NATS server with JetStream",
  // An executable that every machine has, because systemd-analyze looks for it.
  command: ["/bin/sh", "-c", "/srv/etc/nats/nats-server.conf"],
  environment: { GOMEMLIMIT: "425000000" },
  memoryBytes: 500_000_000,
  openFiles: 17_384,
  oomScoreAdjust: -100,
  startSeconds: 1,
  stopSignal: "INT",
  stopTimeoutSeconds: 30,
  network: { ports: [4222], health: { port: 8222, path: "/healthz" } },
  writableDirectories: ["/srv/var/lib/nats", "/srv/run"],
  logFile: "/srv/var/log/nats-server.log",
};

test("nats-server.conf has one key a line, whole bytes and listeners on loopback", () => {
  const { nats } = parseConfig({ nats: { maxConnections: 42, jetstream: { maxFileStore: "1GiB" } } });
  assert.ok(nats);
  const text = natsServerConf(nats, "dev-local", { storeDir: "/srv/var/lib/nats", pidFile: "/srv/run/nats-server.pid" });
  assert.equal(
    text,
    `# Managed by Pulumi: change the stack config, not this file.
server_name: dev-local # restart
listen: 127.0.0.1:4222 # restart
http: 127.0.0.1:8222 # restart
pid_file: "/srv/run/nats-server.pid" # restart
max_connections: 42 # reload
max_subscriptions: 10000 # restart
max_payload: 1000000 # reload
max_pending: 16000000 # restart
write_deadline: "10000ms" # reload
jetstream {
  store_dir: "/srv/var/lib/nats" # restart
  max_mem: 250000000 # restart
  max_file: 1073741824 # restart
  sync_interval: always # restart
}
`,
  );
});

test("what a change of a key takes is decided by the server's version", () => {
  const effects = pinnedVersions("nats-server").map((version) => {
    const { nats } = parseConfig({ nats: { version } });
    assert.ok(nats);
    const lines = natsServerConf(nats, "n", { storeDir: "/d", pidFile: "/p" }).matchAll(/^ *(max_\w+): \d+ # (.*)$/gm);
    return [version, Object.fromEntries([...lines].map(([, key = "", effect = ""]) => [key, effect]))] as const;
  });
  const same = { max_connections: "reload", max_subscriptions: "restart", max_payload: "reload", max_pending: "restart" };
  assert.deepEqual(Object.fromEntries(effects), {
    "2.10.29": { ...same, max_mem: "restart", max_file: "restart" },
    "2.12.8": { ...same, max_mem: "reload when raised", max_file: "reload when raised" },
  });
});

test("the weaker durability is written out", () => {
  const { nats } = parseConfig({ nats: { durability: "interval" } });
  assert.ok(nats);
  assert.match(natsServerConf(nats, "n", { storeDir: "/d", pidFile: "/p" }), /^ {2}sync_interval: "120s" # restart$/m);
});

test("a supervisord program restarts for ever and stops in an orderly way", () => {
  const text = supervisordProgram(service);
  for (const line of [
    "[program:nats-server]",
    'environment=GOMEMLIMIT="425000000"',
    "autorestart=true",
    "stopsignal=INT",
    "stopwaitsecs=30",
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
});

test("supervisord listens on a socket of its user only", () => {
  const text = supervisordConf({
    socket: "/srv/run/s.sock",
    pidFile: "/srv/run/s.pid",
    logFile: "/srv/s.log",
    programsDirectory: "/srv/conf.d",
  });
  assert.match(text, /\[unix_http_server\]\nfile=\/srv\/run\/s\.sock\nchmod=0700\n/);
  assert.doesNotMatch(text, /inet_http_server/);
});

for (const scope of [
  { manager: "system", user: "root", journal: "messaging-dev" },
  { manager: "user", capsMemory: true },
] as const) {
  test(`systemd accepts the ${scope.manager} unit without a word`, () => {
    const directory = mkdtempSync(join(tmpdir(), "messaging-unit-"));
    try {
      const unit = join(directory, "nats-server.service");
      writeFileSync(unit, systemdUnit(service, scope));
      const { status, stdout, stderr, error } = spawnSync("systemd-analyze", ["verify", `--${scope.manager}`, "--man=no", unit], {
        encoding: "utf8",
        env: { ...process.env, XDG_RUNTIME_DIR: directory },
      });
      assert.equal(error, undefined);
      assert.equal(
        `${stdout}${stderr}`
          .split("\n")
          .filter((line) => line.includes("nats-server"))
          // What a systemd before 254 says, and leaves it at that.
          .filter((line) => !/Unknown key( name)? 'Restart(Steps|MaxDelaySec)' .* ignoring/.test(line))
          .join("\n"),
        "",
      );
      assert.equal(status, 0, stderr);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

test("the memory cap of a systemd unit is the planned figure, without swap", () => {
  const unit = systemdUnit(service, { manager: "system", user: "nats", journal: "messaging-dev" });
  assert.match(unit, /^MemoryMax=500000000$/m);
  assert.match(unit, /^MemorySwapMax=0$/m);
  assert.match(unit, /^OOMScoreAdjust=-100$/m);
  assert.match(unit, /^LogNamespace=messaging-dev$/m);
  assert.match(unit, /^SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources$/m);
});

test("the property list parses and has Apple's keys", () => {
  const parsed = plist.parse(launchdPlist(service, "messaging.nats-server")) as Record<string, unknown>;
  assert.equal(parsed["Label"], "messaging.nats-server");
  assert.deepEqual(parsed["ProgramArguments"], service.command);
  assert.equal(parsed["KeepAlive"], true);
  assert.equal(parsed["Umask"], 63);
  assert.deepEqual(parsed["SoftResourceLimits"], { NumberOfFiles: 17_384 });
});

test("the recipe of an image has what is installed, where it is installed, for a user that is not root", () => {
  assert.equal(
    dockerfile("/p/opt", ["nats-server", "messaging"], "1000:1000").replace(/^#.*\n/, ""),
    "ARG BASE\nFROM $BASE\nRUN echo 'messaging:x:1000:1000::/:/bin/sh' >>/etc/passwd\nCOPY --chown=1000:1000 nats-server /p/opt/nats-server\nCOPY --chown=1000:1000 messaging /p/opt/messaging\nUSER 1000:1000\n",
  );
});

test("Pulsar in a container says to each client what that client can reach", () => {
  const { pulsar } = parseConfig({ pulsar: {} });
  const paths = {
    data: "/d",
    logs: "/l",
    javaHome: "/j",
    entryLocationRocksdbConf: "/e",
    ledgerMetadataRocksdbConf: "/m",
    tieredStorage: undefined,
    auth: undefined,
    loopback: "lo",
  };
  const text = pulsar === undefined ? "" : standaloneConf(pulsar, { ...paths, contained: { name: "pulsar", port: 16650 } });
  assert.match(text, /^advertisedListeners=external:pulsar:\/\/127\.0\.0\.1:6650,internal:pulsar:\/\/pulsar:16650$/m);
  assert.match(text, /^advertisedAddress=127\.0\.0\.1$/m, "the bookie keeps it when the container has another address");
});

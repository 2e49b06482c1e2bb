import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { artifactDir, platform } from "../../setup/paths";
import { describeWithMachines, Machine } from "../support/machine";
import { type Drift, seeAndRepair } from "../support/drift";
import { natsDrifts } from "../support/nats-drifts";
import { assertNobodyMay, holders, journals, watchProcesses } from "../support/secrets-on-host";
import { type Result, TestStack } from "../support/test-stack";

const UNIT = "messaging-test-nats-server.service";
const USER = "op";

describeWithMachines("two hosts over SSH, one of them bare and without root logins", 1_800_000, () => {
  let stack: TestStack;
  let core: Machine;
  let edge: Machine;

  before(async () => {
    // edge has nothing but a POSIX shell, coreutils, wget and sshd.
    [stack, core, edge] = await Promise.all([
      TestStack.forPulumi(),
      Machine.boot(),
      Machine.boot(["bin/curl", "bin/unzip", "bin/perl", "bin/gpgv"]),
    ]);
    edge.addUser(USER, true);
    edge.exec("echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/root.conf && systemctl reload ssh");
  });

  after(async () => {
    stack.dispose();
    await Promise.all([core.dispose(), edge.dispose()]);
  });

  const at = (machine: Machine) => ({
    connection: "ssh",
    host: "127.0.0.1",
    port: machine.port,
    hostKey: machine.hostKey,
    components: ["nats"],
  });

  let adopting = {};
  /** Writes the settings. @param nats overrides of messaging:nats @param hosts overrides of both hosts @param rest other keys */
  const configure = (nats: object = {}, hosts: { core?: object; edge?: object } = {}, rest: object = {}) => {
    stack.configureWithoutNats({
      hosts: {
        core: { ...at(core), user: "root", ...adopting, ...hosts.core },
        edge: { ...at(edge), user: USER, become: "sudo", ...hosts.edge },
      },
      nats: {
        memory: "200MB",
        jetstream: { maxFileStore: "2GB" },
        streams: { tasks: { preset: "workQueue", subjects: ["tasks.>"], consumers: { workers: {} } } },
        ...nats,
      },
      ...rest,
    });
    for (const [key, machine] of [
      ["core", core],
      ["edge", edge],
    ] as const)
      stack.setSecret(`hosts.${key}.privateKey`, machine.privateKey);
  };

  const succeeds = ({ status, output }: Result): string => {
    assert.equal(status, 0, output);
    return output;
  };
  const up = (...args: string[]) => succeeds(stack.operate("up", ...args));
  const unchanged = () => succeeds(stack.operate("preview", "--expect-no-changes"));
  const changed = () =>
    stack
      .changes()
      .map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2))
      .sort();
  const nats = (machine: Machine, command: string) =>
    machine.exec(`/opt/messaging/opt/nats/current/nats --no-context -s nats://127.0.0.1:4222 ${command} 2>&1`);
  const refused = (pattern: RegExp) => {
    const { status, output } = stack.operate("preview");
    assert.notEqual(status, 0);
    assert.match(output, pattern);
  };

  test("a wrong host key is refused before anything is touched", () => {
    configure({}, { core: { hostKey: edge.hostKey } });
    refused(/host core cannot be observed[^]*the server has not the pinned host key/);
    assert.equal(core.exec("ls /opt"), "");
  });

  test("what a bare host lacks and a disk that is too small are named at once, before anything is touched", () => {
    core.exec("mount -t tmpfs -o size=50m tmpfs /opt");
    try {
      configure({}, { edge: { services: "supervisord" } });
      const { status, output } = stack.operate("preview");
      assert.notEqual(status, 0);
      assert.match(output, /messaging:hosts\.edge: missing on 127\.0\.0\.1: python3 \(for supervisord\)/);
      assert.match(
        output,
        /messaging:hosts\.core\.prefix: installing takes 100MB, \/opt\/messaging on host core has \d+\S* free; allowed: a prefix/,
      );
    } finally {
      core.exec("umount /opt");
    }
  });

  test("a user who may not become root is told so", () => {
    edge.exec("mv /etc/sudoers.d/op /root/op");
    try {
      configure();
      refused(/host edge cannot be observed[^]*become: sudo: .*op has to be allowed to run everything/);
    } finally {
      edge.exec("mv /root/op /etc/sudoers.d/op");
    }
  });

  test("a NATS server that somebody set up is named in the preview, and nothing is done to it without adopt: true", () => {
    for (const program of ["nats-server", "nats"] as const)
      core.copy(join(artifactDir(program, pinnedVersions(program)[0], platform()), program), `/usr/local/bin/${program}`);
    core.exec(
      `mkdir -p /opt/messaging/var/lib/nats && chmod 755 /opt/messaging /opt/messaging/var /opt/messaging/var/lib
       printf 'listen: 127.0.0.1:4222\\njetstream {\\n  store_dir: "/opt/messaging/var/lib/nats"\\n}\\n' > /etc/nats.conf
       printf '[Service]\\nExecStart=/usr/local/bin/nats-server -c /etc/nats.conf\\nRestart=always\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/nats.service
       systemctl daemon-reload && systemctl enable --now nats.service && sleep 1
       nats stream add LEGACY --subjects legacy --defaults && nats request legacy message`,
    );
    configure();
    refused(
      /messaging:nats\.ports\.client: the nats-server on port 4222 \(pid \d+, kept alive by systemd nats\.service\) is not this stack's; messaging:hosts\.core\.adopt: true stops and disables its service, keeps a copy .* and serves its data, untouched, from \/opt\/messaging\/var\/lib\/nats; or stop it/,
    );
    configure({ jetstream: { maxFileStore: "2GB", storeDir: "/srv/nats" } }, { core: { adopt: true } });
    refused(/messaging:nats\.jetstream\.storeDir: got \/srv\/nats; allowed: \/opt\/messaging\/var\/lib\/nats, as the nats-server/);
    assert.equal(core.exec("systemctl is-active nats.service"), "active\n");
  });

  test("up installs both and takes over the server that was there, with its data; a preview after it finds nothing to do", () => {
    adopting = { adopt: true };
    configure();
    const { output } = stack.operate("preview");
    assert.match(output, /host core: adopting the nats-server on port 4222/);
    up();
    assert.equal(core.exec("systemctl is-enabled nats.service || :"), "disabled\n");
    assert.match(nats(core, "stream get LEGACY 1"), /message/);
    const copies = core.exec("cd /opt/messaging/var/lib/messaging/adopted/nats-server && cat *").trim();
    assert.match(copies, /ExecStart=\/usr\/local\/bin\/nats-server/);
    assert.match(copies, /store_dir: "\/opt\/messaging\/var\/lib\/nats"/);
    assert.match(
      stack.operate("preview").output,
      /host core has what this stack does not manage; it is left alone:\n *stream\/LEGACY with 1 messages/,
    );
    for (const machine of [core, edge]) assert.equal(machine.exec(`systemctl is-active ${UNIT}`), "active\n");
    unchanged();
  });

  test("the services run as users of their own, capped by their cgroups, and listen on loopback only", () => {
    for (const machine of [core, edge]) {
      assert.equal(machine.exec(`ps -o user:20= -p $(systemctl show -p MainPID --value ${UNIT})`).trim(), "messaging-nats");
      const cap = machine.exec(
        `group=$(systemctl show -p ControlGroup --value ${UNIT}); cat /sys/fs/cgroup$group/memory.max /sys/fs/cgroup/memory$group/memory.limit_in_bytes 2>/dev/null || :`,
      );
      assert.equal(cap.trim(), String(Math.floor(200_000_000 / 4096) * 4096));
      const listeners = machine
        .exec("ss -Hltn")
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/)[3] ?? "");
      assert.deepEqual(listeners.filter((address) => !/:22$/.test(address)).sort(), ["127.0.0.1:4222", "127.0.0.1:8222"]);
    }
    const { hosts } = JSON.parse(succeeds(stack.pulumi("stack", "output", "--json"))) as {
      hosts: Record<string, { ram: { enforcement: string } }>;
    };
    assert.deepEqual(
      Object.values(hosts).map(({ ram }) => ram.enforcement),
      ["cgroup", "cgroup"],
    );
  });

  test("the unit's exposure is at most 1.5", () => {
    const said = core.exec(`systemd-analyze security --no-pager ${UNIT} | tail -n 2`);
    const exposure = Number(/exposure level for .*: ([0-9.]+)/.exec(said)?.[1]);
    console.log(`systemd-analyze security: ${UNIT} ${exposure}`);
    assert.ok(exposure <= 1.5, said);
  });

  test("its journal is its own and bounded: it keeps to the limits, as it says itself and as files show", () => {
    const journal = "/var/log/journal/*.messaging-test";
    assert.match(core.exec(`journalctl --namespace messaging-test --no-pager -u ${UNIT}`), /Server is ready/);
    assert.match(core.exec("journalctl --namespace messaging-test --no-pager"), /System Journal \(\S+\) is \S+, max 512\.0M/);
    // In lines of 32 kB that do not compress, faster than a service would.
    core.exec(
      `systemd-run --quiet --wait -p LogNamespace=messaging-test sh -c "head -c 36000000 /dev/urandom | base64 | tr -d '\\n' | fold -w 32000"
       journalctl --namespace messaging-test --sync`,
    );
    const files = core.exec(`ls -l ${journal} | awk '/\\.journal/ { print $5 }'`).trim().split("\n").map(Number);
    console.log(`journal of the services: ${files.map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`).join(", ")}`);
    assert.ok(files.length > 1 && files.every((bytes) => bytes <= 32 * 2 ** 20), files.join());
  });

  test("what was copied is gone from where it arrived", () => {
    assert.equal(core.exec("ls -A /root | grep messaging || :"), "");
    assert.equal(edge.exec("ls -A /home/op | grep messaging || :"), "");
  });

  test("a changed limit is reloaded on both, with no other row", () => {
    const pid = () => core.exec(`systemctl show -p MainPID --value ${UNIT}`);
    const before = pid();
    nats(core, "publish tasks.one first");
    configure({ maxConnections: 1100 });
    const rows = ["nats-config", "nats-server-service", "nats-verify"];
    assert.deepEqual(
      changed(),
      ["core", "edge"].flatMap((key) => rows.map((row) => `${key}-${row}`)),
    );
    up();
    assert.equal(pid(), before);
    assert.match(core.exec("curl -s http://127.0.0.1:8222/varz"), /"max_connections": 1100,/);
  });

  const where = "ssh with sudo, systemd";
  const afterProof = ["edge-nats-streams"];
  const ofUnit = { where, tasks: ["edge-nats-server-service"], followers: ["edge-nats-verify", ...afterProof] };
  const drifts: Drift[] = [
    ...natsDrifts({
      key: "edge",
      where,
      maxConnections: 1100,
      manager: {
        folder: "systemd",
        line: ["Restart=always", "Restart=no"],
        stop: `systemctl stop ${UNIT}`,
        reload: `systemctl reload ${UNIT}`,
      },
      copied: true,
      after: afterProof,
      exec: (command) => edge.exec(`PREFIX=/opt/messaging\n${command}`),
    }),
    {
      ...ofUnit,
      name: "drop-in added",
      edit: () =>
        void edge.exec(
          `mkdir -p /etc/systemd/system/${UNIT}.d && printf '[Service]\\nMemoryMax=100M\\n' > /etc/systemd/system/${UNIT}.d/override.conf && systemctl daemon-reload`,
        ),
      shown: /found: {4}messaging-test-nats-server\.service enabled, .*override\.conf/,
    },
    {
      ...ofUnit,
      name: "service disabled",
      edit: () => void edge.exec(`rm /etc/systemd/system/multi-user.target.wants/${UNIT}`),
      shown:
        /expected: messaging-test-nats-server\.service enabled, no drop-ins\n[^]*found: {4}messaging-test-nats-server\.service disabled, no drop-ins/,
    },
    {
      ...ofUnit,
      name: "owner of the data directory changed",
      edit: () => void edge.exec("chown root:root /opt/messaging/var/lib/nats"),
      shown: /expected: \/opt\/messaging\/var\/lib\/nats drwx------ messaging-nats\n[^]*found: {4}.* drwx------ root/,
      tasks: ["edge-nats-data"],
      followers: ["edge-nats-config", ...ofUnit.tasks, ...ofUnit.followers],
    },
  ];
  for (const drift of drifts) test(`drift: ${drift.name}: seen, repaired, and gone`, () => seeAndRepair(stack, drift));

  test("a preview that has nothing to do takes one connection to each host", () => {
    const logins = () =>
      [core, edge].map((machine) => Number(machine.exec("journalctl -u ssh --no-pager -o cat | grep -c '^Accepted publickey'")));
    const before = logins();
    unchanged();
    assert.deepEqual(
      logins().map((count, index) => count - (before[index] ?? NaN)),
      [1, 1],
    );
  });

  test("a host is looked at through a jump host, whose key is pinned too", () => {
    // Itself, from inside.
    const jump = { host: "127.0.0.1", port: core.port, user: "root" };
    const through = (hostKey: string) => {
      configure({ maxConnections: 1100 }, { core: { port: 22, jump: { ...jump, hostKey } } });
      stack.setSecret("hosts.core.jump.privateKey", core.privateKey);
    };
    through(edge.hostKey);
    refused(/host core cannot be observed[^]*the server has not the pinned host key/);
    through(core.hostKey);
    const output = succeeds(stack.operate("preview"));
    assert.match(output, /host core has what this stack does not manage/);
    assert.doesNotMatch(output, /cannot be reached/);
  });

  test("a connection that is cut in the middle of a task: the next up converges", async () => {
    configure({ maxConnections: 1200 });
    const cut = stack.startUp();
    let output = "";
    await new Promise<void>((resolve) => {
      cut.stdout?.on("data", (piece: Buffer) => {
        output += piece.toString();
        if (/edge-nats-server-service updating/.test(output)) resolve();
      });
      cut.on("exit", () => resolve());
    });
    await edge.unplug();
    const ended = cut.exitCode === null ? ((await once(cut, "exit")) as [number])[0] : cut.exitCode;
    await edge.plugIn();
    assert.notEqual(ended, 0, output);
    up();
    unchanged();
    assert.match(edge.exec("wget -q -O - http://127.0.0.1:8222/varz"), /"max_connections": 1200,/);
  });

  test("after a reboot everything is back, messages included", async () => {
    await core.reboot();
    unchanged();
    assert.match(nats(core, "stream get tasks 1"), /first/);
  });

  test("an upgrade is rehearsed over SSH, on a copy; what runs is not touched", () => {
    configure({ maxConnections: 1200 });
    const pid = core.exec(`systemctl show -p MainPID --value ${UNIT}`);
    const asked = ["--config-file", stack.configFile, "--host", "core", "--rehearse", "nats", "2.12.8"];
    const output = succeeds(stack.run(process.execPath, "setup/run.js", "upgrade", ...asked));
    assert.match(output, /rehearsed on host core: nats 2\.10\.29 -> 2\.12\.8, in \d+ s; nothing was switched/);
    assert.match(output, /nats-server 2\.12\.8: 60 messages read from where the reader was, of 100; streams: \d+, all there/);
    assert.equal(core.exec(`systemctl show -p MainPID --value ${UNIT}`), pid);
    assert.match(nats(core, "stream get tasks 1"), /first/);
    assert.doesNotMatch(nats(core, "stream ls --names --all"), /rehearsal/);
    assert.equal(core.exec("ls -d /opt/messaging/rehearsal* /root/.messaging* 2>/dev/null || :"), "");
    unchanged();
  });

  test("another version that crashes at its start is rolled back, and up says why", () => {
    nats(core, "publish tasks.two second");
    // As soon as the version is installed it is replaced by one that only pretends to check configs.
    const binary = "/opt/messaging/opt/nats-server/2.12.8/nats-server";
    const ledger = "/opt/messaging/var/lib/messaging/ledger/messaging/test/core-nats-server/inputs";
    core.exec(
      `printf '#!/bin/sh\\ncase $1 in -t) exit 0 ;; esac\\necho crashing at the start\\nexit 7\\n' > /root/crash && chmod 755 /root/crash
       systemd-run --quiet --unit saboteur sh -c 'until grep -q VERSION=2.12.8 ${ledger}; do sleep 0.1; done; mount --bind /root/crash ${binary}'`,
    );
    try {
      configure({ maxConnections: 1200, version: "2.12.8" });
      const { status, output } = stack.operate("up", "--continue-on-error");
      assert.notEqual(status, 0);
      assert.match(output, /crashing at the start[^]*Switched back: nats-server runs as it did before/);
      assert.match(core.exec("curl -s http://127.0.0.1:8222/varz"), /"version": "2.10.29",/);
      assert.match(nats(core, "stream get tasks 2"), /second/);
    } finally {
      core.exec(`umount ${binary}`);
    }
  });

  test("another version takes over the messages", () => {
    configure({ maxConnections: 1200, version: "2.12.8" });
    up();
    assert.match(core.exec("curl -s http://127.0.0.1:8222/varz"), /"version": "2.12.8",/);
    assert.match(nats(core, "consumer next tasks workers --count 2 --raw"), /first[^]*second/);
    assert.equal(core.exec("ls /opt/messaging/opt/nats-server | sort").trim(), "2.10.29\n2.12.8\ncurrent");
  });

  test("while one host is gone the other is worked on, and nothing of the gone one changes", async () => {
    await core.powerOff();
    configure({ maxConnections: 1300, version: "2.12.8" });
    const output = up("--continue-on-error");
    assert.match(output, /host core cannot be reached, nothing is done to it/);
    for (const [operation, found] of [
      ["status", /edge\/nats-server 2\.12\.8 {2}running/],
      ["drift", /^(?!no drift)/],
      ["budget", /edge-nats +together[^]*core-nats +together|core-nats +together[^]*edge-nats +together/],
    ] as const) {
      const asked = stack.run(process.execPath, "--import", "tsx", `operations/${operation}.ts`);
      assert.equal(asked.status, 1, asked.output);
      assert.match(asked.output, found);
      assert.match(asked.output, /^host core cannot be reached: root@127\.0\.0\.1:/m);
    }
    assert.match(edge.exec("wget -q -O - http://127.0.0.1:8222/varz"), /"max_connections": 1300,/);
    await core.start();
    up();
    assert.match(core.exec("curl -s http://127.0.0.1:8222/varz"), /"max_connections": 1300,/);
    unchanged();
  });

  test("a port that a stranger holds is refused in the preview", () => {
    core.exec("systemd-run --quiet --unit stranger systemd-socket-activate -l 127.0.0.1:4333 cat");
    configure({ maxConnections: 1300, version: "2.12.8", ports: { client: 4333, monitoring: 8222 } });
    refused(/messaging:nats\.ports\.client: port 4333 on host core is held by .*systemd-socket-activate/);
    // It may have ended by itself: the preview asks whoever listens there for its streams.
    core.exec("systemctl stop stranger || :");
  });

  test("status and drift reach the hosts, with what the state knows of them", () => {
    const status = stack.run(process.execPath, "--import", "tsx", "operations/status.ts");
    assert.match(succeeds(status), /core\/nats-server 2\.12\.8 {2}running[^]*\(cgroup\)[^]*edge\/nats-server 2\.12\.8 {2}running/);
    succeeds(stack.run(process.execPath, "--import", "tsx", "operations/drift.ts"));
    const logs = succeeds(stack.run(process.execPath, "--import", "tsx", "operations/logs.ts", "nats"));
    assert.match(logs, /^core: .*Server is ready$/m);
    assert.match(logs, /^edge: .*Server is ready$/m);
  });

  test("a backup of both hosts comes back over SSH, with the messages of a stream that was lost", () => {
    const directory = join(stack.directory, "backup");
    const backup = (verb: "backup" | "restore") => stack.run(process.execPath, "--import", "tsx", "operations/backup.ts", verb, directory);
    nats(core, "publish tasks.three saved");
    const messages = nats(core, "stream info tasks --json | /opt/messaging/opt/gojq/current/gojq .state.messages");
    succeeds(backup("backup"));
    assert.match(backup("restore").output, /nothing was restored: streams that hold messages are not replaced/);
    for (const stream of ["tasks", "LEGACY"]) nats(core, `stream rm ${stream} --force`);
    succeeds(backup("restore"));
    assert.equal(nats(core, "stream info tasks --json | /opt/messaging/opt/gojq/current/gojq .state.messages"), messages);
    assert.match(nats(core, "stream get LEGACY 1"), /message/);
    configure({ maxConnections: 1300, version: "2.12.8" });
    unchanged();
  });

  test("another machine under the key of a host is refused: two hosts, not one", async () => {
    const other = await Machine.boot();
    try {
      configure({ version: "2.12.8" }, { core: { port: other.port, hostKey: other.hostKey } });
      stack.setSecret("hosts.core.privateKey", other.privateKey);
      refused(
        new RegExp(`messaging:hosts\\.core\\.host: the stack was deployed to 127\\.0\\.0\\.1:${core.port}, and .* has nothing of it`),
      );
      assert.equal(other.exec("ls /opt"), "");
    } finally {
      await other.dispose();
    }
  });

  test("secrets are in their files, and nowhere else on the hosts or here; another user of a host reads none and changes nothing", () => {
    const canary = "canary-of-a-pipeline";
    const machines = [core, edge];
    const seen = machines.map(watchProcesses);
    const secure = (generation: number) => {
      configure(
        { maxConnections: 1300, version: "2.12.8", auth: { generation, users: { agents: {} } } },
        { core: { components: ["nats", "benthos"] } },
        { benthos: { memory: "96MiB", pipelines: { "monitoring/nats": {} } } },
      );
      stack.setSecret("benthos.secrets.API_KEY", canary);
    };
    secure(1);
    const told = [up("--debug")];
    // A task that has a secret and cannot write it.
    edge.exec("cd /opt/messaging/etc/nats && mv keys away && touch keys");
    secure(2);
    const failed = stack.operate("up", "--continue-on-error");
    assert.notEqual(failed.status, 0);
    assert.match(failed.output, /edge-nats-key-agents/);
    edge.exec("cd /opt/messaging/etc/nats && rm keys && mv away keys");
    told.push(failed.output, up());
    unchanged();
    const { hosts } = JSON.parse(succeeds(stack.pulumi("stack", "output", "--json", "--show-secrets"))) as {
      hosts: Record<string, { nats: { keys: Record<string, string> } }>;
    };
    const secrets = [
      canary,
      ...Object.values(hosts).flatMap(({ nats }) => Object.values(nats.keys)),
      ...machines.map(({ privateKey }) => privateKey.split("\n")[2] ?? ""),
      // The password of Benthos's API.
      core.exec("sed 's/.*:\\(.*\\)\"$/\\1/' /opt/messaging/etc/benthos/api.curl").trim(),
    ];
    assert.ok(secrets.every((secret) => secret.length > 15));
    told.push(
      ...seen.map((stop) => stop()),
      ...machines.map(journals),
      succeeds(stack.pulumi("stack", "export")),
      succeeds(stack.pulumi("stack", "output", "--json")),
      spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout,
    );
    for (const [index, text] of told.entries()) {
      assert.ok(text.length > 100, `${index}: ${text}`);
      assert.equal(secrets.filter((secret) => text.includes(secret)).length, 0, `text ${index}`);
    }
    for (const machine of machines) {
      const files = holders(machine, secrets);
      console.log(`files with a secret: ${files.map(({ path, mode }) => `${path} ${mode}`).join(", ")}`);
      assert.ok(files.length >= 4);
      for (const { path, mode } of files)
        assert.match(`${path} ${mode}`, /^\/opt\/messaging\/etc\/\S+\.(nk|secret|curl) -rw-(---|r--)---$/);
      assertNobodyMay(machine);
    }
  });

  test("a host that is gone for good is forgotten, which says what is left there", () => {
    configure({ maxConnections: 1300, version: "2.12.8" });
    const { status, output } = stack.run(process.execPath, "setup/run.js", "forget", "edge");
    assert.equal(status, 0, output);
    assert.match(output, /forgot host edge with its \d+ tasks\. Left on 127\.0\.0\.1:\d+.* below \/opt\/messaging/);
    assert.equal(edge.exec(`systemctl is-active ${UNIT}`), "active\n");
    assert.match(stack.run(process.execPath, "setup/run.js", "forget", "edge").output, /has no host edge; it has core/);
  });

  test("destroy leaves the data and nothing else", () => {
    succeeds(stack.operate("destroy"));
    assert.equal(core.exec(`systemctl list-units --all --no-legend 'messaging*'; ls /etc/systemd/system | grep messaging || :`), "");
    assert.equal(
      core.exec("find /opt/messaging -maxdepth 3 -mindepth 3 | sort").trim(),
      "/opt/messaging/var/lib/messaging\n/opt/messaging/var/lib/nats",
    );
  });
});

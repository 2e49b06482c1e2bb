import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/load";
import { capsMemory, chooseServices, uncapped } from "../../hosts/services";
import { engineAccess, resourceConnection, storedHost } from "../../hosts/ssh";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlHZ4nW4Ym772OhLMcsN29D2MSoEXA8Q4U6cqvMiJe+";
// Not a key: only the frame of one is checked here.
const PRIVATE_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----`;
const edge = { connection: "ssh", host: "edge.example", user: "root", hostKey: HOST_KEY, privateKey: PRIVATE_KEY };

/** The lines that hosts are refused with. */
function problems(hosts: unknown, rest: object = { nats: {} }): string[] {
  try {
    parseConfig({ hosts, ...rest });
  } catch (error) {
    return (error as Error).message.split("\n").slice(1);
  }
  return [];
}

test("a host over SSH has defaults for everything but the address, the user, the identity and the host key", () => {
  const { hosts } = parseConfig({ hosts: { edge }, nats: {} });
  assert.deepEqual(hosts, { edge: { ...edge, port: 22, services: "auto" } });
});

test("every problem of a host is listed, and no private key is in the words", () => {
  const found = problems({
    edge: { ...edge, host: "root@edge", port: 0, user: "a b", hostKey: "ssh-dss AAAA", privateKey: "c2VjcmV0", become: "su", jump: {} },
  });
  const expected = [
    /edge\.host: got "root@edge"; allowed: .* without user or port/,
    /edge\.port: got 0/,
    /edge\.user: got "a b"/,
    /edge\.hostKey: got "ssh-dss AAAA"; .*ssh-keyscan.*insecure-accept-any/,
  ];
  for (const pattern of [
    ...expected,
    /edge\.privateKey: got \[secret\]; allowed: a private key/,
    /edge\.become: got "su"; allowed: sudo/,
    /edge\.jump\.host: not set/,
    /edge\.jump\.hostKey: not set/,
  ]) {
    assert.ok(
      found.some((line) => pattern.test(line)),
      `${pattern} in\n${found.join("\n")}`,
    );
  }
  assert.doesNotMatch(found.join("\n"), /c2VjcmV0/);
});

for (const [what, hosts, pattern, rest] of [
  ["no host key", { edge: { ...edge, hostKey: undefined } }, /edge\.hostKey: not set; allowed: the public key/],
  [
    "no identity",
    { edge: { ...edge, privateKey: undefined } },
    /edge\.privateKey: not set; allowed: either privateKey, as a secret, or agent: true/,
  ],
  ["two identities", { edge: { ...edge, agent: true } }, /edge\.privateKey: got \[secret\]; allowed: either/],
  [
    "a user without root and without a prefix",
    { edge: { ...edge, user: "op" } },
    /edge\.prefix: not set; allowed: a directory that the user may make/,
  ],
  [
    "two hosts that do not say what they carry",
    { edge, two: edge },
    /two\.components: not set; allowed: a list of nats, pulsar, benthos, monitoring; with several hosts/,
  ],
  [
    "a component that is not declared",
    { edge: { ...edge, components: ["pulsar"] } },
    /edge\.components\.0: got "pulsar"; allowed: a component that is declared/,
  ],
  [
    "a component that no host carries",
    { edge: { ...edge, components: ["pulsar"] } },
    /messaging:nats: .* allowed: a component that a host carries/,
    { nats: {}, pulsar: {} },
  ],
  [
    "this machine twice",
    { a: { components: ["nats"] }, b: { components: ["nats"] } },
    /b\.connection: .*allowed: ssh; a is this machine already/,
  ],
  ["an unknown connection", { edge: { connection: "telnet" } }, /edge\.connection: got "telnet"; allowed: local or ssh/],
  ["a key of SSH on this machine", { edge: { user: "root" } }, /edge\.user: unknown key/],
  [
    "a budget that one of the hosts exceeds",
    { edge: { ...edge, components: ["nats", "pulsar"] }, small: { ...edge, components: ["nats"] } },
    /ramBudget: .* planned with on host edge \(pulsar/,
    { nats: {}, pulsar: {}, ramBudget: "1GB" },
  ],
] as const) {
  test(`refused: ${what}`, () => {
    const found = problems(hosts, rest);
    assert.ok(
      found.some((line) => pattern.test(line)),
      `${pattern} in\n${found.join("\n")}`,
    );
  });
}

test("each host is planned with what it carries", () => {
  const { hosts } = parseConfig({
    hosts: { edge: { ...edge, components: ["nats"] }, core: { ...edge, components: ["pulsar"] } },
    nats: { memory: "500MB" },
    pulsar: {},
    ramBudget: "4GiB",
  });
  assert.deepEqual(Object.keys(hosts), ["edge", "core"]);
});

test("the connection of a resource leads back to the host", () => {
  const { hosts } = parseConfig({
    hosts: {
      edge: { ...edge, user: "op", become: "sudo", jump: { host: "jump", user: "j", agent: true, hostKey: "insecure-accept-any" } },
    },
    nats: {},
  });
  const host = hosts["edge"];
  assert.ok(host?.connection === "ssh");
  assert.deepEqual(storedHost(resourceConnection(host) as Parameters<typeof storedHost>[0], true), host);
});

const systemd = { init: "systemd", root: true, lingers: false } as const;

for (const [services, facts, expected] of [
  ["auto", systemd, "systemd"],
  ["auto", { ...systemd, root: false, lingers: true }, "systemd-user"],
  ["auto", { ...systemd, root: false }, "supervisord"],
  ["auto", { ...systemd, init: "other" }, "supervisord"],
  ["auto", { ...systemd, init: "launchd" }, "launchd"],
  ["supervisord", systemd, "supervisord"],
] as const) {
  test(`services: ${services} over SSH with ${JSON.stringify(facts)} is ${expected}`, () => {
    const { hosts } = parseConfig({ hosts: { edge: { ...edge, services } }, nats: {} });
    assert.ok(hosts["edge"]);
    assert.deepEqual(chooseServices(hosts["edge"], facts, "messaging:hosts.edge"), { manager: expected });
  });
}

test("a manager that the host has not is refused with what is missing", () => {
  const { hosts } = parseConfig({ hosts: { edge: { ...edge, services: "systemd" } }, nats: {} });
  assert.ok(hosts["edge"]);
  const choose = (facts: Parameters<typeof chooseServices>[1]) =>
    JSON.stringify(chooseServices(hosts["edge"] ?? assert.fail(), facts, "messaging:hosts.edge"));
  assert.match(choose({ ...systemd, root: false }), /messaging:hosts\.edge\.services: got .*loginctl enable-linger/);
  assert.match(choose({ ...systemd, init: "other" }), /systemd is not what runs as process 1/);
});

test("a user's systemd caps memory where that is delegated to users, else what is missing is said; other managers say nothing", () => {
  for (const [manager, userMemory, caps] of [
    ["systemd-user", true, true],
    ["systemd-user", false, false],
    ["systemd", false, true],
    ["supervisord", false, false],
  ] as const) {
    assert.equal(capsMemory(manager, { userMemory }), caps, manager);
    const said = uncapped(manager, { userMemory });
    if (manager === "systemd-user" && !caps) assert.match(said ?? "", /cannot cap memory, .*enforcement: runtime.*Delegate=memory/);
    else assert.equal(said, undefined);
  }
});

test("on this machine auto leaves the system alone", () => {
  const { hosts } = parseConfig({ nats: {} });
  assert.ok(hosts["local"]);
  assert.deepEqual(chooseServices(hosts["local"], systemd, "messaging:hosts.local"), { manager: "supervisord" });
});

test("services: docker takes an engine that answers, on Linux", () => {
  const { hosts } = parseConfig({ hosts: { local: { services: "docker" } }, nats: {} });
  const facts = { init: "other", root: true, lingers: false, platform: "linux-amd64" } as const;
  const choose = (more: Partial<Parameters<typeof chooseServices>[1]>) =>
    hosts["local"] && chooseServices(hosts["local"], { ...facts, ...more }, "messaging:hosts.local");
  assert.deepEqual(choose({ engine: { version: "20.10", problem: undefined } }), { manager: "docker" });
  const silent = choose({ engine: { version: undefined, problem: "no such socket" } });
  assert.match(silent && "problem" in silent ? silent.problem : "", /docker\.engine: no Docker engine answers \(no such socket\)/);
  const mac = choose({ platform: "darwin-arm64", engine: { version: "28.0", problem: undefined } });
  assert.match(mac && "problem" in mac ? mac.problem : "", /allowed: on Linux/);
});

test("the provider of Docker goes to the engine of another host over ssh, and to no other host than the pinned one", () => {
  const { privateKey: _, ...rest } = edge;
  const { hosts } = parseConfig({ hosts: { edge: { ...rest, agent: true, services: "docker" } }, nats: {} });
  assert.ok(hosts["edge"]);
  const { host, sshOpts = [] } = engineAccess(hosts["edge"], { engine: "unix:///var/run/docker.sock" });
  assert.equal(host, "ssh://root@edge.example:22");
  for (const option of [`KnownHostsCommand=/bin/echo %H ${HOST_KEY}`, "StrictHostKeyChecking=yes"])
    assert.ok(sshOpts.includes(option), option);
  assert.equal(engineAccess(hosts["edge"], { engine: "unix:///srv/docker.sock" }).host, "ssh://root@edge.example:22/srv/docker.sock");
});

test("the engine of a host has a socket, and images have digests", () => {
  for (const [host, message] of [
    [{ services: "docker", docker: { engine: "tcp://10.0.0.7:2375" } }, /docker\.engine: got .*unix:/],
    [{ services: "docker", docker: { baseImage: "debian:latest" } }, /docker\.baseImage: got .*sha256/],
    [{ docker: {} }, /hosts\.local\.docker: got .*with services: docker/],
    [{ ...edge, services: "docker" }, /hosts\.local\.services: got "docker"; allowed: docker over SSH with agent: true and without jump/],
  ] as const) {
    assert.throws(() => parseConfig({ hosts: { local: host }, nats: {} }), message);
  }
});

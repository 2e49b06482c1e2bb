import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../config/load";
import { wantedPorts } from "../../config/ports";
import { planRam } from "../../config/ram";
import { apiCurl, benthosDirectory, benthosEnv, benthosSecretEnv } from "../../render/benthos";
import { asksForPassword } from "../../components/benthos-pipelines";
import { passwordHash } from "../../config/credentials";

const FILES = "storage/events_to_files";
const DUCKDB = "ingestion/pulsar_to_duckdb";
const MIB = 2 ** 20;

const parse = (benthos: Record<string, unknown>, rest: Record<string, unknown> = {}) => {
  const parsed = parseConfig({ benthos, ...rest }).benthos;
  assert.ok(parsed);
  return parsed;
};

test("pipelines share a process unless they ask for one of their own", () => {
  const { processes, memoryBytes } = parse({
    memory: "100MiB",
    pipelines: { [FILES]: {}, [DUCKDB]: {}, "ingestion/http_to_jetstream": { process: { port: 5000, memory: "64MiB" } } },
  });
  assert.deepEqual(
    processes.map(({ name, port, pipelines, goMemLimitBytes, memoryBytes: bytes }) => ({ name, port, pipelines, goMemLimitBytes, bytes })),
    [
      { name: "benthos", port: 4195, pipelines: [DUCKDB, FILES], goMemLimitBytes: 85 * MIB, bytes: 260 * MIB },
      {
        name: "benthos-ingestion_http_to_jetstream",
        port: 5000,
        pipelines: ["ingestion/http_to_jetstream"],
        goMemLimitBytes: Math.floor(64 * 0.85 * MIB),
        bytes: 64 * MIB,
      },
    ],
  );
  assert.equal(memoryBytes, 324 * MIB);
});

test("the memory plan and the ports have every process", () => {
  const config = parseConfig({ benthos: { pipelines: { [FILES]: {}, [DUCKDB]: { process: { port: 5000 } } } }, nats: {} });
  assert.equal(planRam(config, true).byComponent["benthos"], (192 + 128 + 160) * MIB);
  assert.deepEqual(wantedPorts(config), [
    { port: 4222, configPath: "nats.ports.client" },
    { port: 8222, configPath: "nats.ports.monitoring" },
    { port: 4195, configPath: "benthos.ports.http" },
    { port: 5000, configPath: `benthos.pipelines.${DUCKDB}.process.port` },
  ]);
});

const refusals: [string, Record<string, unknown>, Record<string, unknown>, RegExp][] = [
  ["no pipelines", {}, {}, /messaging:benthos\.pipelines: not set; allowed: pipelines by their path/],
  ["an empty list of pipelines", { pipelines: {} }, {}, /messaging:benthos\.pipelines: got \{\}; allowed: pipelines by their path/],
  [
    "an unknown pipeline",
    { pipelines: { "a/b": {} } },
    {},
    /messaging:benthos\.pipelines\.a\/b: got \{\}; allowed: a file of pipelines\/ without/,
  ],
  [
    "a directory that is not there",
    { directory: "nowhere", pipelines: { [FILES]: {} } },
    {},
    /messaging:benthos\.directory: got "nowhere"; allowed: a directory/,
  ],
  [
    "a port of NATS",
    { pipelines: { [FILES]: {} }, ports: { http: 4222 } },
    { nats: {} },
    /messaging:benthos\.ports\.http: got 4222; allowed: a port other than nats\.ports\.client/,
  ],
  [
    "a port of another process",
    { pipelines: { [DUCKDB]: {}, [FILES]: { process: { port: 4195 } } } },
    {},
    /messaging:benthos\.pipelines\.storage\/events_to_files\.process\.port: got 4195; allowed: a port other than benthos\.ports\.http/,
  ],
  [
    "a password",
    { pipelines: { [FILES]: {} }, environment: { DSN: "postgres://me:secret@h/d" } },
    {},
    /benthos\.environment\.DSN: .*allowed: no password/,
  ],
  [
    "a variable that follows from another key",
    { pipelines: { [FILES]: {} }, environment: { GOMEMLIMIT: "1" } },
    {},
    /benthos\.environment\.GOMEMLIMIT: .*follows from memory/,
  ],
  [
    "a value that a shell would read",
    { pipelines: { [FILES]: {} }, environment: { A: "$(id)" } },
    {},
    /benthos\.environment\.A: .*without quotes/,
  ],
  ["too much memory", { pipelines: { [DUCKDB]: {} }, memory: "300MiB" }, { ramBudget: "400MiB" }, /messaging:ramBudget: .*benthos 460MiB/],
];
for (const [what, benthos, rest, message] of refusals) {
  test(`${what} is refused`, () => {
    assert.throws(() => parse(benthos, rest), message);
  });
}

test("a process gets its own config, what is shared, its pipelines and their unit tests", () => {
  const benthos = parse({ pipelines: { [FILES]: {} }, ports: { http: 5001 }, logLevel: "INFO" });
  const [process] = benthos.processes;
  assert.ok(process);
  const files = benthosDirectory(benthos, process);
  assert.match(files["benthos.yaml"] ?? "", /address: 127\.0\.0\.1:5001\n[^]*level: INFO\n/);
  assert.ok("templates/to_files.yaml" in files && "resources/dead_letters.yaml" in files);
  assert.deepEqual(
    Object.keys(files).filter((path) => path.startsWith("streams/")),
    ["streams/storage/events_to_files.yaml", "streams/storage/events_to_files_benthos_test.yaml"],
  );
  assert.equal(benthosEnv({ A: "b c" }, 5), '# Managed by Pulumi: change the stack config, not this file.\nA="b c"\nGOMEMLIMIT="5"\n');
});

test("its API asks for a password as soon as pipelines have a secret, unless the config says otherwise", () => {
  const asks = (benthos: Record<string, unknown>, rest: Record<string, unknown> = {}) => {
    const config = parseConfig({ benthos: { pipelines: { [FILES]: {} }, ...benthos }, ...rest });
    assert.ok(config.benthos);
    return asksForPassword(config.benthos, config);
  };
  assert.equal(asks({}, { nats: {} }), false);
  assert.equal(asks({}, { nats: { auth: {} } }), true);
  assert.equal(asks({}, { pulsar: { auth: {} } }), true);
  assert.equal(asks({ secrets: { API_KEY: "x" } }), true);
  assert.equal(asks({ auth: { enabled: false }, secrets: { API_KEY: "x" } }), false);
  assert.equal(asks({ auth: { enabled: true } }), true);
});

test("a process that asks for a password has its hash from the environment, and nothing else has one", () => {
  const benthos = parse({ pipelines: { [FILES]: {} } });
  const [process] = benthos.processes;
  assert.ok(process);
  const asking = benthosDirectory(benthos, process, { asksForPassword: true })["benthos.yaml"] ?? "";
  assert.match(asking, /basic_auth: \{ enabled: true, username: messaging, password_hash: "\$\{API_PASSWORD_HASH\}" \}/);
  assert.doesNotMatch(benthosDirectory(benthos, process)["benthos.yaml"] ?? "", /basic_auth/);
  assert.equal(benthosSecretEnv(passwordHash("password")), 'API_PASSWORD_HASH="XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg="\n');
  assert.equal(apiCurl("password"), 'user = "messaging:password"\n');
});

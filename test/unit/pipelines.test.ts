import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../config/load";
import { exposedSecrets, missingResources } from "../../config/pipeline-references";
import { brokenRoutes } from "../../config/pipeline-routes";
import { type PipelineFile, readPipelines } from "../../config/pipelines";

const ours: readonly PipelineFile[] = readPipelines("pipelines").files.filter(({ path }) => !path.endsWith("_benthos_test.yaml"));

/** Streams with an event log each; consumers by stream. */
const streams = (consumers: Record<string, Record<string, object>>) =>
  parseConfig({
    nats: {
      streams: Object.fromEntries(
        Object.entries(consumers).map(([name, ofStream]) => [
          name,
          { preset: "eventLog", subjects: [`${name}.>`], maxBytes: "1MB", consumers: ofStream },
        ]),
      ),
    },
  }).nats?.streams ?? {};

describe("references of pipelines", () => {
  test("ours are to resources that exist", () => {
    assert.deepEqual(missingResources(ours, "pipelines"), []);
  });

  test("to what does not exist are named with file, line and what exists", () => {
    const bad: PipelineFile[] = [
      { path: "resources/a.yaml", text: "cache_resources:\n  - label: known\n    memory: {}\n" },
      { path: "routing/x.yaml", text: "pipeline:\n  processors:\n    - resource: nope\n    - cached: { cache: known, key: x }\n" },
      { path: "templates/y.yaml", text: 'mapping: |\n  root.a = {\n    "rate_limit": "none",\n    "cache": "known",\n  }\n' },
    ];
    assert.deepEqual(missingResources(bad, "pipelines"), [
      "pipelines/routing/x.yaml:3: no resource is labelled nope; there are known",
      "pipelines/templates/y.yaml:3: no resource is labelled none; there are known",
    ]);
  });
});

describe("secrets of pipelines", () => {
  const refused = (benthos: object) => {
    try {
      parseConfig({ benthos: { pipelines: { "storage/events_to_postgresql": {} }, ...benthos } });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("in their text are named with file, line and the fix", () => {
    const text = "output:\n  sql_insert:\n    dsn: ${DSN}\n    suffix: ${DSN:x}${DSN_FILE}$DSN\n";
    const fix = 'DSN is a secret, which Benthos\'s API would show; a template has it as file(env("DSN_FILE")).string().trim()';
    const files = [{ path: "storage/x.yaml", text }];
    assert.deepEqual(exposedSecrets(files, ["DSN"], "pipelines"), [
      `pipelines/storage/x.yaml:3: ${fix}`,
      `pipelines/storage/x.yaml:4: ${fix}`,
    ]);
    assert.deepEqual(exposedSecrets(files, [], "pipelines"), []);
    assert.deepEqual(exposedSecrets(ours, ["POSTGRESQL_DSN"], "pipelines"), []);
  });

  test("are in no message, right or wrong", () => {
    const secret = "canary";
    for (const benthos of [
      { secrets: { lower: secret } },
      { secrets: { PULSAR_TOKEN: secret } },
      { secrets: { A: secret }, environment: { A: "x" } },
      { secrets: { A: secret }, environment: { A_FILE: "x" } },
      { secrets: secret },
      { secrets: { A: secret }, unknown: 1 },
      ...["%zz", "#", "@", " ", "/"].map((part) => ({ secrets: { POSTGRESQL_DSN: `postgres://u:${secret}${part}@127.0.0.1/events` } })),
      { secrets: { POSTGRESQL_DSN: `host=127.0.0.1 password=${secret}` } },
    ]) {
      const message = refused(benthos);
      assert.match(message, /messaging:benthos\./, JSON.stringify(benthos));
      assert.doesNotMatch(message, /canary/);
    }
    for (const dsn of ["postgres://u:p%23a@127.0.0.1:5432/events?sslmode=disable", "postgresql://127.0.0.1/events"])
      assert.equal(refused({ secrets: { POSTGRESQL_DSN: dsn } }), "");
  });
});

describe("routes of pipelines", () => {
  test("ours are declared in the streams they name, and lead nowhere round", () => {
    const declared = streams({
      inbox: { routing: {} },
      raw: { transformation: {} },
      events: { "pulsar-bridge": {}, enrichment: {}, files: {}, postgresql: {} },
      coordination: {},
      tasks: {},
    });
    assert.deepEqual(brokenRoutes(ours, declared, {}), []);
  });

  test("to and from what is not declared are refused", () => {
    const text = "input:\n  from_jetstream: { stream: a, consumer: b }\noutput:\n  to_jetstream:\n    subject: x.${! this.y }\n";
    const problems = (consumers: Parameters<typeof streams>[0]) => brokenRoutes([{ path: "f.yaml", text }], streams(consumers), {});
    assert.deepEqual(problems({ x: {} }), ["f.yaml:2: messaging:nats.streams has no stream a"]);
    assert.deepEqual(problems({ a: {} }), [
      "f.yaml:2: messaging:nats.streams.a.consumers has no b; declare it",
      "f.yaml:5: no stream of messaging:nats.streams has the subject x.*",
    ]);
    assert.match(problems({ a: { b: { maxDeliver: 3 } }, x: {} })[0] ?? "", /f\.yaml:2: .*limits its deliveries/);
    assert.deepEqual(problems({ a: { b: {} }, x: {} }), []);
  });

  test("to and from Pulsar are refused where the namespace does not permit them to the pipelines", () => {
    const files = [
      { path: "in.yaml", text: "input:\n  from_pulsar: { topic: events, subscription: s }\noutput:\n  drop: {}\n" },
      { path: "out.yaml", text: "output:\n  to_pulsar: { topic: 'persistent://arc/agents/${! this.agent }' }\n" },
    ];
    const problems = (permissions: Record<string, string[]>) => brokenRoutes(files, {}, {}, { "arc/agents": { permissions } });
    const first =
      "in.yaml:2: messaging:namespaces.public/default.permissions.pipelines does not have consume, so Pulsar refuses events; add it";
    assert.deepEqual(problems({ pipelines: ["produce"] }), [first]);
    assert.deepEqual(problems({ pipelines: ["consume"], agents: ["produce"] }), [
      first,
      "out.yaml:2: messaging:namespaces.arc/agents.permissions.pipelines does not have produce, so Pulsar refuses persistent://arc/agents/*; add it",
    ]);
    assert.deepEqual(brokenRoutes(files, {}, {}), []);
  });

  test("that go round are shown as a circle", () => {
    const files = [
      { path: "out.yaml", text: "input:\n  from_jetstream: { stream: a, consumer: w }\noutput:\n  to_pulsar: { topic: '${T:t}' }\n" },
      { path: "back.yaml", text: "input:\n  from_pulsar: { topic: u, subscription: s }\noutput:\n  to_jetstream: { subject: a.x }\n" },
    ];
    assert.deepEqual(brokenRoutes(files, streams({ a: { w: {} } }), {}), []);
    assert.deepEqual(brokenRoutes(files, streams({ a: { w: {} } }), { T: "u" }), [
      "back.yaml:4: messages go round: a -(out.yaml)-> u -(back.yaml)-> a; take one of these pipelines out or send it elsewhere",
    ]);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { isEarlier, settingsWithVersion, taskInput, upgradePlan } from "../../operations/upgrade-plan";
import { artifactsOfUpgrade } from "../../setup/needed";

const NATS = "urn:pulumi:dev::messaging::messaging:index:Host$messaging:index:NatsJetStream";
const command = (name: string, stdin: string, component?: string) => ({
  urn: `urn:pulumi:dev::messaging::messaging:index:Host$command:local:Command::${name}`,
  newState: { ...(component === undefined ? {} : { parent: `${NATS}::${component}` }), inputs: { stdin } },
});

test("the plan of a rehearsal has the tasks of one host's component in order, without the user's own context", () => {
  const steps = [
    command("core-scripts", "scripts"),
    command("core-2-scripts", "others"),
    command("core-nats-server", "TASK=artifact\n\n", "core-nats"),
    command("core-2-nats-server", "TASK=artifact\nRESOURCE=other\n\n", "core-2-nats"),
    command("core-nats-context", "TASK=nats-context\n\n", "core-nats"),
    command("core-nats-server-service", "TASK=service\n\n", "core-nats"),
    command("core-pulsar", "TASK=artifact\n\n", "core-pulsar"),
  ];
  assert.deepEqual(upgradePlan(steps, "core", ["nats"]), { scripts: "scripts", tasks: ["TASK=artifact\n\n", "TASK=service\n\n"] });
  assert.throws(() => upgradePlan(steps, "edge", ["nats"]), /the preview has no host edge/);
});

test("an input of a task is one of its head, not of its body", () => {
  assert.equal(taskInput("TASK=artifact\nNAME=nats\n\nNAME=other\n", "NAME"), "nats");
  assert.equal(taskInput("TASK=artifact\n\nNAME=other\n", "NAME"), undefined);
});

test("settings with another version keep everything else, but no source of the user's choice", () => {
  const settings =
    "encryptionsalt: v1:salt\nconfig:\n  messaging:pulsar:\n    version: 3.2.4\n    memory: { maxHeap: 1GiB }\n    source: { sha512: aa }\n";
  const config = { "messaging:pulsar": { version: "4.0.8", memory: { maxHeap: "1GiB" } } };
  assert.deepEqual(parse(settingsWithVersion(settings, "pulsar", "4.0.8")), { encryptionsalt: "v1:salt", config });
  const json = `config:\n  messaging:nats: '{"memory":"200MB"}'\n`;
  assert.deepEqual(parse(settingsWithVersion(json, "nats", "2.12.8")), {
    config: { "messaging:nats": { memory: "200MB", version: "2.12.8" } },
  });
  assert.throws(() => settingsWithVersion(json, "pulsar", "4.0.8"), /no messaging:pulsar/);
});

test("versions are compared by number", () => {
  for (const [version, other] of [
    ["3.3.6", "4.0.8"],
    ["2.9.1", "2.10.0"],
    ["4.27.0-1", "4.27.0-2"],
  ] as const) {
    assert.ok(isEarlier(version, other));
    assert.ok(!isEarlier(other, version));
  }
  assert.ok(!isEarlier("3.3.6", "3.3.6"));
});

test("a rehearsal brings the version that it names, and its options", () => {
  const names = (...args: string[]) => artifactsOfUpgrade(args).map(({ name, version }) => `${name} ${version}`);
  assert.deepEqual(names("--rehearse", "pulsar", "4.0.8"), ["pulsar 4.0.8", "pulsar-offloaders 4.0.8"]);
  assert.deepEqual(names("--rehearse", "--host", "core", "nats", "2.12.8"), ["nats-server 2.12.8"]);
  assert.deepEqual(names("--rehearse", "nats", "9.9.9"), []);
  assert.deepEqual(names("nats", "2.12.8"), []);
});

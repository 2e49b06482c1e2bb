import assert from "node:assert/strict";
import { before, test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { parseConfig } from "../../config/load";
import { mockPulumi } from "../support/mocks";
import { eventually } from "../support/temporary";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const registered: Registered[] = [];
/** Parent of each resource below the host, by the resource's name. */
const parents = new Map<string, pulumi.Resource | undefined>();
let components: { readonly host: pulumi.Resource; readonly tools: pulumi.Resource; readonly nats: pulumi.Resource };

before(async () => {
  await mockPulumi(({ type, name, inputs }) => registered.push({ type, name, inputs: inputs as Registered["inputs"] }));
  const { Host } = await import("../../hosts/host");
  const { layout } = await import("../../hosts/layout");
  const { parseObservation } = await import("../../hosts/observe");
  const { HostTools } = await import("../../components/host-tools");
  const { NatsJetStream } = await import("../../components/nats-jetstream");
  const { nats } = parseConfig({
    nats: {
      streams: {
        presence: { preset: "presence", subjects: ["presence.*"] },
        tasks: { preset: "workQueue", subjects: ["tasks.>"], consumers: { workers: {} } },
      },
    },
  });
  assert.ok(nats);
  const facts = [
    "platform\tlinux-amd64",
    "memory\t8000000000",
    ...["scripts", "gojq", "nats-config"].map((task) => `task\tlocal-${task}\t2026-01-01T00:00:00Z`),
    "difference\tlocal-nats-config\texpected: max_connections: 1000",
    "difference\tlocal-nats-config\tfound:    max_connections: 5",
  ];
  const recordParent: pulumi.ResourceTransformation = ({ name, opts }) => {
    parents.set(name, opts.parent);
    return undefined;
  };
  const host = new Host(
    {
      key: "local",
      config: { connection: "local", services: "auto" },
      services: "supervisord",
      layout: layout("/srv"),
      observation: parseObservation(facts.join("\n")),
      budget: { ramBudgetBytes: 2e9, ramReserveBytes: 1e9 },
    },
    { transformations: [recordParent] },
  );
  const tools = new HostTools({ host, allowDataLoss: [], tls: false }, { parent: host });
  const component = new NatsJetStream({ host, tools, nats }, { parent: host });
  components = { host, tools, nats: component };
  // The last of the chain: it is declared when everything it comes after is.
  await eventually("the streams are declared", 10, () => registered.some(({ name }) => name === "local-nats-streams"));
});

const commands = () => registered.filter(({ type }) => type === "command:local:Command");
const find = (name: string) => {
  const found = registered.find((resource) => resource.name === name);
  assert.ok(found, `${name} in ${registered.map((resource) => resource.name).join(", ")}`);
  return found;
};

test("the resources of a host have stable names", () => {
  assert.deepEqual(
    commands()
      .map(({ name }) => name)
      .sort(),
    [
      "local-allow-data-loss",
      "local-gojq",
      "local-nats-cli",
      "local-nats-config",
      "local-nats-context",
      "local-nats-data",
      "local-nats-server",
      "local-nats-server-definition",
      "local-nats-server-service",
      "local-nats-streams",
      "local-nats-verify",
      "local-scripts",
      "local-supervisor",
      "local-supervisord",
    ],
  );
});

test("every task has its component as parent, every component its host", () => {
  const { host, tools, nats } = components;
  for (const { name } of commands()) {
    const expected = name === "local-scripts" ? host : name.startsWith("local-nats") ? nats : tools;
    assert.equal(parents.get(name), expected, name);
  }
  for (const { name } of registered.filter(({ type }) => type.startsWith("messaging:") && type !== "messaging:index:Host")) {
    assert.ok(parents.has(name), name);
  }
});

test("create and delete are one short call, and nothing replaces", () => {
  for (const { name, inputs } of commands()) {
    const call = name === "local-scripts" ? "sh -s --" : "/srv/opt/messaging/task.sh";
    assert.equal(inputs["create"], `${call} apply`);
    assert.equal(inputs["delete"], `${call} remove`);
    assert.equal(inputs["addPreviousOutputInEnv"], false);
    assert.equal(inputs["triggers"], undefined);
    assert.equal(inputs["environment"], undefined);
  }
});

test("drift shows in the update of its task and of those after it, nowhere else", () => {
  const update = (name: string) => String(find(name).inputs["update"]);
  assert.equal(update("local-gojq"), "/srv/opt/messaging/task.sh apply");
  assert.equal(
    update("local-nats-config"),
    "/srv/opt/messaging/task.sh apply\n# drift; last applied 2026-01-01T00:00:00Z\n# expected: max_connections: 1000\n# found:    max_connections: 5",
  );
  assert.match(update("local-nats-verify"), /^# not in the ledger of this host/m);
});

test("streams of which a restart of the server empties one follow the service", () => {
  assert.match(String(find("local-nats-streams").inputs["stdin"]), /^EMPTIED_BY_RESTART=[0-9a-f]{12}$/m);
});

test("a component carries its planned memory", () => {
  assert.equal(find("local-nats").inputs["memoryBytes"], 500_000_000);
});

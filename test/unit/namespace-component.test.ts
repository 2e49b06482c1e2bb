import assert from "node:assert/strict";
import { before, test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { parseConfig } from "../../config/load";
import type { TaskText } from "../../hosts/task";
import { mockPulumi } from "../support/mocks";

/** Inputs of each registered resource by name, and the parent of each below the host. */
const registered = new Map<string, Record<string, unknown>>();
const parents = new Map<string, string>();
let names: string[];
let guarded: TaskText[];

before(async () => {
  await mockPulumi(({ name, inputs }) => registered.set(name, inputs as Record<string, unknown>));
  const { Host } = await import("../../hosts/host");
  const { layout } = await import("../../hosts/layout");
  const { parseObservation } = await import("../../hosts/observe");
  const { declareNamespaces, Namespace, namespacesGuarded } = await import("../../components/namespace");
  const { pulsar, namespaces } = parseConfig({
    pulsar: {},
    namespaces: {
      "arc/agents": { retention: { time: "7d", size: "10GiB" }, topics: { "task-events": { partitions: 4 } } },
      "arc/audit": {},
      "rag/memory": {},
    },
  });
  const recordParent: pulumi.ResourceTransformation = ({ name, opts }) => {
    const { parent } = opts;
    parents.set(name, parent instanceof Namespace ? "namespace" : parent instanceof Host ? "host" : "none");
    return undefined;
  };
  const host = new Host(
    {
      key: "local",
      config: { connection: "local", services: "auto" },
      services: "supervisord",
      layout: layout("/srv"),
      observation: parseObservation(""),
      budget: { ramBudgetBytes: 2e9, ramReserveBytes: 1e9 },
    },
    { transformations: [recordParent] },
  );
  const service = host.run(host, { name: "service", script: "data-directory", inputs: {}, after: [] });
  assert.ok(pulsar);
  guarded = namespacesGuarded(pulsar, namespaces, layout("/srv"));
  const { names: output } = declareNamespaces(host, host, { pulsar, namespaces, after: [service] });
  names = await new Promise((resolve) => output.apply(resolve));
});

test("a component for each namespace, which shows what is declared, and one task for all; all with stable names", () => {
  assert.deepEqual(Object.fromEntries([...parents].filter(([name]) => /tenant|namespace|topic/.test(name))), {
    "local-namespace-arc.agents": "host",
    "local-namespace-arc.audit": "host",
    "local-namespace-rag.memory": "host",
    "local-pulsar-namespaces": "host",
  });
  assert.deepEqual(registered.get("local-namespace-arc.agents"), {
    policies: { retention: { retentionTimeInMinutes: 10080, retentionSizeInMB: 10240 } },
    topics: { "task-events": { partitions: 4 } },
  });
});

test("what the task is about is its standard input, an object and a policy a line; a preview asks the host about the same", () => {
  const stdin = String(registered.get("local-pulsar-namespaces")?.["stdin"]);
  const lines = [
    "namespace/arc/agents",
    'namespace/arc/agents retention {"retentionTimeInMinutes":10080,"retentionSizeInMB":10240}',
    "topic/arc/agents/task-events",
    "topic/arc/agents/task-events partitions 4",
    "namespace/arc/audit",
    "namespace/rag/memory",
  ];
  assert.equal(stdin.slice(stdin.indexOf("\n\n") + 2), `${lines.join("\n")}\n`);
  assert.deepEqual(
    guarded.map(({ name, body }) => [name, body]),
    [["pulsar-namespaces", `${lines.join("\n")}\n`]],
  );
});

test("the output names what is declared", () => {
  assert.deepEqual(names, ["arc/agents", "arc/audit", "rag/memory"]);
});

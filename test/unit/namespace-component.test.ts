import assert from "node:assert/strict";
import { before, test } from "node:test";
import type * as pulumi from "@pulumi/pulumi";
import { parseConfig } from "../../config/load";
import { FILESYSTEM_DRIVER } from "../../render/namespaces";
import { mockPulumi } from "../support/mocks";

/** Inputs of each registered resource by name, and the parent of each below the host. */
const registered = new Map<string, Record<string, unknown>>();
const parents = new Map<string, string>();
let names: string[];

before(async () => {
  await mockPulumi(({ name, inputs }) => registered.set(name, inputs as Record<string, unknown>));
  const { Host } = await import("../../hosts/host");
  const { layout } = await import("../../hosts/layout");
  const { parseObservation } = await import("../../hosts/observe");
  const { declareNamespaces, Namespace, namespaceTasks } = await import("../../components/namespace");
  const { namespaces } = parseConfig({
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
    },
    { transformations: [recordParent] },
  );
  const service = host.run(host, { name: "service", script: "data-directory", inputs: {}, after: [] });
  const tasks = namespaceTasks("http://127.0.0.1:8080", namespaces, FILESYSTEM_DRIVER);
  const output = declareNamespaces(host, host, { tasks, service, after: [] });
  names = await new Promise((resolve) => output.apply(resolve));
});

test("a tenant once, a component for each namespace, its topics below it, all with stable names", () => {
  assert.deepEqual(Object.fromEntries([...parents].filter(([name]) => /tenant|namespace|topic/.test(name))), {
    "local-pulsar-tenant-arc": "host",
    "local-pulsar-tenant-rag": "host",
    "local-namespace-arc.agents": "host",
    "local-namespace-arc.audit": "host",
    "local-namespace-rag.memory": "host",
    "local-pulsar-namespace-arc.agents": "namespace",
    "local-pulsar-namespace-arc.audit": "namespace",
    "local-pulsar-namespace-rag.memory": "namespace",
    "local-pulsar-topic-arc.agents.task-events": "namespace",
  });
});

test("what a task is about is its standard input, a policy a line", () => {
  const stdin = String(registered.get("local-pulsar-namespace-arc.agents")?.["stdin"]);
  assert.match(stdin, /^NAMESPACE=arc\/agents$/m);
  assert.match(stdin, /^ {2}"retention": \{"retentionTimeInMinutes":10080,"retentionSizeInMB":10240\}$/m);
});

test("the output names what is declared", () => {
  assert.deepEqual(names, ["arc/agents", "arc/audit", "rag/memory"]);
});

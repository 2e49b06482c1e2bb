import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../config/load";
import { prometheusDirectory } from "../../render/prometheus";
import { mockPulumi } from "../support/mocks";
import { eventually } from "../support/temporary";

const MONITORING = join(__dirname, "../../monitoring");

interface Rule {
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly annotations?: { readonly runbook: string };
}

const rulesOf = (text: string) => (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap(({ rules }) => rules);

const registered = new Map<string, Readonly<Record<string, unknown>>>();

before(() => mockPulumi(({ name, inputs }) => registered.set(name, inputs as Readonly<Record<string, unknown>>)));

test("Prometheus is in the budget, has a port of its own, and wants the metrics of NATS", () => {
  const pipelines = { "monitoring/nats": {} };
  const { monitoring } = parseConfig({ nats: {}, benthos: { pipelines }, monitoring: { memory: "128MiB" } });
  assert.equal(monitoring?.memoryBytes, 128 * 2 ** 20);
  assert.throws(
    () => parseConfig({ nats: {}, monitoring: {} }),
    /messaging:monitoring: got \{\}; allowed: with monitoring\/nats in messaging:benthos/,
  );
  assert.throws(
    () => parseConfig({ pulsar: { ports: { web: 9090 } }, monitoring: {} }),
    /messaging:monitoring\.ports\.web: not set; allowed: a port other than pulsar\.ports\.web/,
  );
  assert.throws(() => parseConfig({ monitoring: { memory: "1GiB" }, ramBudget: "512MiB" }), /monitoring 1GiB/);
  assert.throws(() => parseConfig({ monitoring: { retention: "15" } }), /messaging:monitoring\.retention: got "15"; allowed: a duration/);
});

test("the window of the alerts is the config's", () => {
  const { monitoring } = parseConfig({ monitoring: { alertWindow: "30s" } });
  const alerts = rulesOf(monitoring?.alerts ?? "");
  assert.ok(alerts.some((rule) => rule.for === "30s"));
  assert.doesNotMatch(monitoring?.alerts ?? "10m", /[\d]+m\b/);
});

test("prometheus.yml and the caps are YAML with a job for each process", () => {
  const { monitoring } = parseConfig({ monitoring: { scrapeInterval: "5s" } });
  assert.ok(monitoring);
  const files = prometheusDirectory(monitoring, [{ service: "pulsar", server: "127.0.0.1", port: 8080, metricsPath: "/metrics/" }], {
    pulsar: 5,
  });
  assert.deepEqual(parse(files["prometheus.yml"] ?? ""), {
    global: { scrape_interval: "5s", scrape_timeout: "5s", evaluation_interval: "5s" },
    rule_files: ["alerts.yaml", "caps.yaml"],
    scrape_configs: [
      {
        job_name: "pulsar",
        metrics_path: "/metrics/",
        static_configs: [{ targets: ["127.0.0.1:8080"], labels: { service: "pulsar" } }],
      },
    ],
  });
  const password = { user: "messaging", file: "/e/benthos.password" };
  const asked = prometheusDirectory(
    monitoring,
    [{ service: "benthos", server: "127.0.0.1", port: 4195, metricsPath: "/metrics", password }],
    {},
  );
  const [job] = (parse(asked["prometheus.yml"] ?? "") as { scrape_configs: Record<string, unknown>[] }).scrape_configs;
  assert.deepEqual(job?.["basic_auth"], { username: "messaging", password_file: "/e/benthos.password" });
  assert.deepEqual(rulesOf(files["caps.yaml"] ?? ""), [
    { record: "messaging:memory_cap:bytes", expr: "vector(5)", labels: { service: "pulsar" } },
  ]);
});

test("every alert names a runbook that there is, and the documentation names every alert", () => {
  const documentation = readFileSync(join(__dirname, "../../docs/monitoring.md"), "utf8");
  const alerts = rulesOf(readFileSync(join(MONITORING, "alerts.yaml"), "utf8")).filter(({ alert }) => alert !== undefined);
  assert.ok(alerts.length >= 10);
  for (const { alert, annotations } of alerts) {
    assert.ok(documentation.includes(`\`${alert}\``), alert);
    readFileSync(join(__dirname, "../..", annotations?.runbook ?? "no runbook"));
  }
});

test("a host with monitoring has Prometheus as a service that follows its config", async () => {
  const { Host } = await import("../../hosts/host");
  const { layout } = await import("../../hosts/layout");
  const { parseObservation } = await import("../../hosts/observe");
  const { HostTools } = await import("../../components/host-tools");
  const { Monitoring } = await import("../../components/monitoring");
  const { monitoring, pulsar } = parseConfig({ pulsar: {}, monitoring: {} });
  assert.ok(monitoring);
  const host = new Host({
    key: "local",
    config: { connection: "local", services: "auto" },
    services: "supervisord",
    layout: layout("/srv"),
    observation: parseObservation("platform\tlinux-amd64\nmemory\t8000000000"),
    budget: { ramBudgetBytes: 4e9, ramReserveBytes: 1e9 },
  });
  const tools = new HostTools({ host, allowDataLoss: [], tls: false }, { parent: host });
  const component = new Monitoring({ host, tools, monitoring, systems: { pulsar }, after: [] }, { parent: host });
  assert.ok(component.endpoints);
  await eventually("the service is declared", 10, () => registered.has("local-prometheus-service"));
  assert.deepEqual(registered.get("local-monitoring"), { memoryBytes: 256 * 2 ** 20 });
  const definition = String(registered.get("local-prometheus-definition")?.["stdin"]);
  assert.match(
    definition,
    /--storage\.tsdb\.retention\.time=1296000s --storage\.tsdb\.retention\.size=1000000000B --web\.listen-address=127\.0\.0\.1:9090/,
  );
  assert.match(String(registered.get("local-prometheus-config")?.["stdin"]), /targets: \["127\.0\.0\.1:8080"\]/);
});

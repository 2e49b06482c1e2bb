import * as pulumi from "@pulumi/pulumi";
import type { MonitoringConfig } from "../config/monitoring";
import { type Host, LOOPBACK, type Peers, type Task } from "../hosts/host";
import { API_USER } from "../render/benthos";
import { prometheusDirectory, prometheusEnv, type ScrapeTarget } from "../render/prometheus";
import { artifact } from "../tasks/artifact";
import { configDirectory } from "../tasks/config-directory";
import { configFile } from "../tasks/config-file";
import { dataDirectory } from "../tasks/data-directory";
import { secretFile } from "../tasks/secret-file";
import type { Secret } from "../tasks/secrets";
import { currentLink, service } from "../tasks/service";
import { serviceAccount } from "../tasks/service-account";
import type { PipelineSystems } from "../config/pipeline-check";
import type { BenthosConfig } from "../config/benthos";
import type { HostTools } from "./host-tools";
import { listeners } from "./listeners";

const PROMETHEUS = "prometheus";

/** What Prometheus watches on its host. */
export interface MonitoredSystems extends Pick<PipelineSystems, "nats" | "pulsar"> {
  readonly benthos?: BenthosConfig | undefined;
}

/** What the monitoring of a host needs. */
export interface MonitoringArgs {
  readonly host: Host;
  readonly tools: HostTools;
  readonly monitoring: MonitoringConfig;
  readonly systems: MonitoredSystems;
  /** What Benthos asks for; undefined where it asks nobody. */
  readonly benthosPassword?: Secret | undefined;
  /** What it watches is there. */
  readonly after: readonly Task[];
}

/** What users of the monitoring need to know. */
export interface MonitoringEndpoints {
  /** Prometheus's HTTP API and web interface. */
  readonly url: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
}

/** Prometheus on one host: it scrapes what the stack runs there, keeps the series for a while and evaluates the alert rules. */
export class Monitoring extends pulumi.ComponentResource {
  readonly endpoints: MonitoringEndpoints;

  constructor({ host, tools, monitoring, systems, benthosPassword, after }: MonitoringArgs, options?: pulumi.ComponentResourceOptions) {
    super("messaging:index:Monitoring", `${host.key}-monitoring`, { memoryBytes: monitoring.memoryBytes }, options);
    const { layout } = host;
    const { version, ports } = monitoring;
    const installed = artifact(host, this, { task: PROMETHEUS, name: PROMETHEUS, version, link: false });
    const account = serviceAccount(host, this, PROMETHEUS);
    const path = layout.data(PROMETHEUS);
    const data = dataDirectory(host, this, { name: `${PROMETHEUS}-data`, path, account });
    const environment = configFile(host, this, {
      name: `${PROMETHEUS}-env`,
      path: layout.etc(PROMETHEUS, `${PROMETHEUS}_env.sh`),
      text: prometheusEnv(monitoring),
      group: account?.user,
      after: account === undefined ? [] : [account],
    });
    const passwordFile = layout.etc(PROMETHEUS, "benthos.password");
    const password = benthosPassword && { user: API_USER, file: passwordFile };
    const secrets =
      benthosPassword === undefined
        ? []
        : [
            secretFile(host, this, {
              name: `${PROMETHEUS}-benthos-password`,
              path: passwordFile,
              secret: benthosPassword,
              group: account?.user,
              after: account === undefined ? [] : [account],
            }),
          ];
    const directory = configDirectory(host, this, {
      name: `${PROMETHEUS}-config`,
      path: layout.etc(PROMETHEUS, "config"),
      files: prometheusDirectory(monitoring, targetsOf(monitoring, systems, host, password), capsOf(monitoring, systems)),
      check: { product: PROMETHEUS, version, environment },
      group: account?.user,
      after: [installed, ...secrets],
    });
    const running: Task = service(host, this, {
      service: {
        name: PROMETHEUS,
        description: "Prometheus: metrics and alerts of the messaging stack",
        command: [
          `${layout.opt(PROMETHEUS, currentLink(PROMETHEUS, PROMETHEUS))}/bin/prometheus`,
          `--config.file=${directory.path}/prometheus.yml`,
          `--storage.tsdb.path=${path}`,
          `--storage.tsdb.retention.time=${monitoring.retentionSeconds}s`,
          `--storage.tsdb.retention.size=${monitoring.retentionBytes}B`,
          `--web.listen-address=${host.listenAddress}:${ports.web}`,
        ],
        environment: {},
        environmentFile: { path: environment.path, launcher: [layout.starter, layout.pidFile(PROMETHEUS), environment.path] },
        reloads: true,
        memoryBytes: monitoring.memoryBytes,
        // Blocks of the retention, a handful of files each.
        openFiles: 16_384,
        // It holds no messages.
        oomScoreAdjust: 500,
        startSeconds: 1,
        stopSignal: "TERM",
        stopTimeoutSeconds: 60,
        writableDirectories: [path],
        network: { ports: [ports.web], health: { port: ports.web, path: "/-/healthy" } },
        logFile: layout.log(PROMETHEUS),
      },
      product: PROMETHEUS,
      version,
      keepVersions: monitoring.keepVersions,
      dataDirectory: path,
      configs: [directory, environment],
      tools,
      account,
      after: [tools.gojq, installed, data, ...after],
    });
    const proven = <T>(value: T) => running.resource.urn.apply(() => value);
    this.endpoints = { url: proven(`http://127.0.0.1:${ports.web}`), version: proven(version) };
    this.registerOutputs({
      memoryBytes: monitoring.memoryBytes,
      memory: { [PROMETHEUS]: monitoring.memoryBytes },
      listeners: listeners({ [PROMETHEUS]: ports.web }),
      ...this.endpoints,
    });
  }
}

/** Every process of the host that has metrics. Those of NATS come from a pipeline, so its target is Benthos. */
function targetsOf(
  { ports }: MonitoringConfig,
  { pulsar, benthos }: MonitoredSystems,
  host: Peers,
  password: ScrapeTarget["password"],
): ScrapeTarget[] {
  const target = (service: string, port: number, metricsPath = "/metrics") => ({ service, server: host.peer(service), port, metricsPath });
  return [
    // The host's tasks ask there too.
    { ...target(PROMETHEUS, ports.web), server: LOOPBACK },
    ...(pulsar === undefined ? [] : [target("pulsar", pulsar.ports.web, "/metrics/")]),
    ...(benthos?.processes ?? []).map(({ name, port }) => ({ ...target(name, port), password })),
  ];
}

function capsOf(monitoring: MonitoringConfig, { nats, pulsar, benthos }: MonitoredSystems): Record<string, number> {
  return {
    [PROMETHEUS]: monitoring.memoryBytes,
    ...(nats === undefined ? {} : { "nats-server": nats.memoryBytes }),
    ...(pulsar === undefined ? {} : { pulsar: pulsar.memoryBytes }),
    ...Object.fromEntries((benthos?.processes ?? []).map(({ name, memoryBytes }) => [name, memoryBytes])),
  };
}

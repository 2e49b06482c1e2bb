import { type Config, loadConfig } from "./config/load";
import type { PulsarConfig } from "./config/pulsar";
import { wantedPorts } from "./config/ports";
import { planRam } from "./config/ram";
import { benthosGuarded, BenthosPipelines, brokenPipelines } from "./components/benthos-pipelines";
import { HostTools } from "./components/host-tools";
import { declareNamespaces, namespacesGuarded } from "./components/namespace";
import { natsGuarded, NatsJetStream } from "./components/nats-jetstream";
import { pulsarGuarded, PulsarStandalone } from "./components/pulsar-standalone";
import type { Host } from "./hosts/host";
import { openHost } from "./hosts/open";

/** The stack: checks the config, observes the hosts, declares what they carry, and returns the endpoints. */
export = async () => {
  const config = loadConfig();
  const hosts: Record<string, object> = {};
  for (const [key, hostConfig] of Object.entries(config.hosts)) {
    const { plannedBytes, byComponent } = planRam(config);
    const host = await openHost(key, hostConfig, {
      plannedBytes,
      ports: wantedPorts(config),
      budget: { ramBudgetBytes: config.ramBudgetBytes, ramReserveBytes: config.ramReserveBytes },
      observe: config.observe,
      directories: [config.nats?.jetstream.storeDir, config.pulsar?.dataDirectory, config.pulsar?.tieredStorage?.directory],
      guarded: (layout) => [
        ...(config.nats === undefined ? [] : natsGuarded(config.nats, layout)),
        ...(config.pulsar === undefined ? [] : pulsarGuarded(config.pulsar, layout)),
        ...(config.pulsar === undefined ? [] : namespacesGuarded(config.pulsar, config.namespaces, layout)),
        ...(config.benthos === undefined ? [] : benthosGuarded(config.benthos)),
      ],
      check: (layout) => (config.benthos === undefined ? Promise.resolve([]) : brokenPipelines(config.benthos, config, layout)),
      allowDataLoss: config.allowDataLoss,
    });
    hosts[key] = {
      ...declare(host, config),
      ram: { budget: config.ramBudgetBytes, reserve: config.ramReserveBytes, planned: plannedBytes, enforcement: "runtime", byComponent },
      paths: { prefix: host.layout.prefix, logs: host.layout.logs },
    };
  }
  const [only] = Object.values(hosts);
  return { ...only, hosts };
};

/** The components of a host. @returns the outputs of each */
function declare(host: Host, config: Config): Record<string, unknown> {
  const parent = { parent: host };
  const tools = new HostTools({ host, allowDataLoss: config.allowDataLoss }, parent);
  const nats = config.nats === undefined ? undefined : new NatsJetStream({ host, tools, nats: config.nats }, parent);
  const pulsar = config.pulsar === undefined ? undefined : declarePulsar(host, tools, config.pulsar, config.namespaces);
  const after = [...(nats?.ready ?? []), ...(pulsar?.ready ?? [])];
  const { benthos } = config;
  const pipelines = benthos === undefined ? undefined : new BenthosPipelines({ host, tools, benthos, systems: config, after }, parent);
  return {
    ...(nats === undefined ? {} : { nats: nats.endpoints }),
    ...(pulsar === undefined ? {} : { pulsar: pulsar.endpoints, namespaces: pulsar.namespaces }),
    ...(pipelines === undefined ? {} : { benthos: pipelines.endpoints }),
  };
}

/** Pulsar with its namespaces. */
function declarePulsar(host: Host, tools: HostTools, pulsar: PulsarConfig, namespaces: Config["namespaces"]) {
  const server = new PulsarStandalone({ host, tools, pulsar }, { parent: host });
  const after = [server.service, server.verified, tools.gojq, tools.consents];
  const { names, applied } = declareNamespaces(host, server, { pulsar, namespaces, after });
  return { endpoints: server.endpoints, namespaces: names, ready: [server.verified, ...applied] };
}

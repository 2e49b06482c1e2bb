import { type Config, loadConfig } from "./config/load";
import { planRam } from "./config/ram";
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
      ports: (["nats", "pulsar"] as const).flatMap((component) => wantedPorts(component, config[component]?.ports)),
      guarded: (layout) => [
        ...(config.nats === undefined ? [] : natsGuarded(config.nats, layout)),
        ...(config.pulsar === undefined ? [] : pulsarGuarded(config.pulsar, layout)),
        ...(config.pulsar === undefined ? [] : namespacesGuarded(config.pulsar, config.namespaces, layout)),
      ],
      allowDataLoss: config.allowDataLoss,
    });
    hosts[key] = {
      ...declare(host, config),
      ram: { budget: config.ramBudgetBytes, planned: plannedBytes, enforcement: "runtime", byComponent },
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
  if (config.pulsar === undefined) return nats === undefined ? {} : { nats: nats.endpoints };
  const pulsar = new PulsarStandalone({ host, tools, pulsar: config.pulsar }, parent);
  const after = [pulsar.service, pulsar.verified, tools.gojq, tools.consents];
  const names = declareNamespaces(host, pulsar, { pulsar: config.pulsar, namespaces: config.namespaces, after });
  return { ...(nats === undefined ? {} : { nats: nats.endpoints }), pulsar: pulsar.endpoints, namespaces: names };
}

function wantedPorts(component: string, ports: Readonly<Record<string, number>> = {}) {
  return Object.entries(ports).map(([name, port]) => ({ port, configPath: `messaging:${component}.ports.${name}` }));
}

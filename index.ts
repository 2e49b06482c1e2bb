import { type Config, loadConfig } from "./config/load";
import { planRam } from "./config/ram";
import { HostTools } from "./components/host-tools";
import { declareNamespaces, type NamespaceTasks, namespaceTasks } from "./components/namespace";
import { natsGuarded, NatsJetStream } from "./components/nats-jetstream";
import { offloadDriver, pulsarAdminUrl, pulsarGuarded, PulsarStandalone } from "./components/pulsar-standalone";
import type { Host } from "./hosts/host";
import type { Layout } from "./hosts/layout";
import { openHost } from "./hosts/open";

/** The stack: checks the config, observes the hosts, declares what they carry, and returns the endpoints. */
export = async () => {
  const config = loadConfig();
  const hosts: Record<string, object> = {};
  for (const [key, hostConfig] of Object.entries(config.hosts)) {
    const { plannedBytes, byComponent } = planRam(config);
    const host = await openHost(key, hostConfig, {
      plannedBytes,
      budget: { ramBudgetBytes: config.ramBudgetBytes, ramReserveBytes: config.ramReserveBytes },
      observe: config.observe,
      directories: [config.nats?.jetstream.storeDir, config.pulsar?.dataDirectory, config.pulsar?.tieredStorage?.directory],
      ports: (["nats", "pulsar"] as const).flatMap((component) => wantedPorts(component, config[component]?.ports)),
      guarded: (layout) => [
        ...(config.nats === undefined ? [] : natsGuarded(config.nats, layout)),
        ...(config.pulsar === undefined ? [] : pulsarGuarded(config.pulsar, layout)),
        ...pulsarNamespaces(config, layout).flatMap(({ namespace, topics }) => [namespace, ...topics]),
      ],
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

/** The declared namespaces as plain data: a preview asks the host about them before anything is declared. */
function pulsarNamespaces({ pulsar, namespaces }: Config, layout: Layout): NamespaceTasks[] {
  return pulsar === undefined ? [] : namespaceTasks(pulsarAdminUrl(pulsar), namespaces, offloadDriver(pulsar, layout));
}

/** The components of a host. @returns the outputs of each */
function declare(host: Host, config: Config): Record<string, unknown> {
  const parent = { parent: host };
  const tools = new HostTools({ host, allowDataLoss: config.allowDataLoss }, parent);
  const nats = config.nats === undefined ? undefined : new NatsJetStream({ host, tools, nats: config.nats }, parent);
  if (config.pulsar === undefined) return nats === undefined ? {} : { nats: nats.endpoints };
  const pulsar = new PulsarStandalone({ host, tools, pulsar: config.pulsar }, parent);
  const after = [pulsar.verified, tools.gojq, tools.consents];
  const names = declareNamespaces(host, pulsar, { tasks: pulsarNamespaces(config, host.layout), service: pulsar.service, after });
  return { ...(nats === undefined ? {} : { nats: nats.endpoints }), pulsar: pulsar.endpoints, namespaces: names };
}

function wantedPorts(component: string, ports: Readonly<Record<string, number>> = {}) {
  return Object.entries(ports).map(([name, port]) => ({ port, configPath: `messaging:${component}.ports.${name}` }));
}

import { type Config, loadConfig } from "./config/load";
import { planRam } from "./config/ram";
import { HostTools } from "./components/host-tools";
import { declareNamespaces, namespaceTasks } from "./components/namespace";
import { NatsJetStream, natsStreamTasks } from "./components/nats-jetstream";
import { pulsarAdminUrl, PulsarStandalone } from "./components/pulsar-standalone";
import type { Host } from "./hosts/host";
import { openHost } from "./hosts/open";

/** The stack: checks the config, observes the hosts, declares what they carry, and returns the endpoints. */
export = async () => {
  const config = loadConfig();
  const hosts: Record<string, object> = {};
  for (const [key, hostConfig] of Object.entries(config.hosts)) {
    const { plannedBytes, byComponent } = planRam(config);
    const objects = serverObjects(config);
    const host = await openHost(key, hostConfig, {
      plannedBytes,
      ports: (["nats", "pulsar"] as const).flatMap((component) => wantedPorts(component, config[component]?.ports)),
      guarded: [
        ...objects.streams.flatMap(({ stream, consumers }) => [stream, ...consumers]),
        ...objects.namespaces.flatMap(({ namespace, topics }) => [namespace, ...topics]),
      ],
      allowDataLoss: config.allowDataLoss,
    });
    hosts[key] = {
      ...declare(host, config, objects),
      ram: { budget: config.ramBudgetBytes, planned: plannedBytes, enforcement: "runtime", byComponent },
      paths: { prefix: host.layout.prefix, logs: host.layout.logs },
    };
  }
  const [only] = Object.values(hosts);
  return { ...only, hosts };
};

/** What the servers hold, as plain data: a preview asks the host about it before anything is declared. */
function serverObjects({ nats, pulsar, namespaces }: Config) {
  return {
    streams: nats === undefined ? [] : natsStreamTasks(nats),
    namespaces: pulsar === undefined ? [] : namespaceTasks(pulsarAdminUrl(pulsar), namespaces),
  };
}

/** The components of a host. @returns the outputs of each */
function declare(host: Host, config: Config, objects: ReturnType<typeof serverObjects>): Record<string, unknown> {
  const parent = { parent: host };
  const tools = new HostTools({ host, allowDataLoss: config.allowDataLoss }, parent);
  const nats = config.nats === undefined ? undefined : new NatsJetStream({ host, tools, nats: config.nats }, parent);
  if (config.pulsar === undefined) return nats === undefined ? {} : { nats: nats.endpoints };
  const pulsar = new PulsarStandalone({ host, tools, pulsar: config.pulsar }, parent);
  const after = [pulsar.verified, tools.gojq, tools.consents];
  const namespaces = declareNamespaces(host, pulsar, { tasks: objects.namespaces, service: pulsar.service, after });
  return { ...(nats === undefined ? {} : { nats: nats.endpoints }), pulsar: pulsar.endpoints, namespaces };
}

function wantedPorts(component: string, ports: Readonly<Record<string, number>> = {}) {
  return Object.entries(ports).map(([name, port]) => ({ port, configPath: `messaging:${component}.ports.${name}` }));
}

import { carried, type HostConfig } from "./config/hosts";
import { type Config, loadConfig, onHost } from "./config/load";
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
  const deployed = await Promise.all(Object.entries(config.hosts).map(([key, hostConfig]) => deploy(key, hostConfig, config)));
  const hosts = deployed.map(({ host, outputs }) => [host.key, { ...outputs, ...(host.remote ? { facts: host.facts } : {}) }] as const);
  return { ...(deployed.length === 1 ? deployed[0]?.outputs : {}), hosts: Object.fromEntries(hosts) };
};

/** Observes a host and declares what it carries. @returns it and its outputs */
async function deploy(key: string, hostConfig: HostConfig, config: Config): Promise<{ readonly host: Host; readonly outputs: object }> {
  const parts = onHost(hostConfig, config);
  const onlyHere = { ...config, nats: parts.nats, pulsar: parts.pulsar };
  const host = await openHost(key, hostConfig, {
    components: carried(hostConfig, config),
    plannedBytes: planRam(parts, hostConfig.connection === "local").plannedBytes,
    ports: (["nats", "pulsar"] as const).flatMap((component) => wantedPorts(component, parts[component]?.ports)),
    guarded: (layout) => [
      ...(parts.nats === undefined ? [] : natsGuarded(parts.nats, layout)),
      ...(parts.pulsar === undefined ? [] : pulsarGuarded(parts.pulsar, layout)),
      ...pulsarNamespaces(onlyHere, layout).flatMap(({ namespace, topics }) => [namespace, ...topics]),
    ],
    allowDataLoss: config.allowDataLoss,
  });
  const { plannedBytes, byComponent } = planRam(parts, host.services === "supervisord");
  const outputs = {
    ...declare(host, onlyHere),
    ram: { budget: config.ramBudgetBytes, planned: plannedBytes, enforcement: host.enforcement, byComponent },
    paths: { prefix: host.layout.prefix, logs: host.layout.logs },
  };
  return { host, outputs };
}

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

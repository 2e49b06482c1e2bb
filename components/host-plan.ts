import { carried, type HostConfig } from "../config/hosts";
import { type Config, onHost } from "../config/load";
import { planRam } from "../config/ram";
import type { Layout } from "../hosts/layout";
import type { PlannedHost } from "../hosts/open";
import { type NamespaceTasks, namespaceTasks } from "./namespace";
import { natsGuarded } from "./nats-jetstream";
import { offloadDriver, pulsarAdminUrl, pulsarGuarded } from "./pulsar-standalone";

/** The config as far as it concerns one host. */
export function carriedBy(host: HostConfig | undefined, config: Config): Config {
  const { nats, pulsar } = host === undefined ? {} : onHost(host, config);
  return { ...config, nats, pulsar };
}

/** What a host is asked before anything is declared. */
export function plannedHost(key: string, host: HostConfig, config: Config): PlannedHost {
  const parts = carriedBy(host, config);
  const plan = {
    components: carried(host, config),
    plannedBytes: planRam(parts, host.connection === "local").plannedBytes,
    ports: (["nats", "pulsar"] as const).flatMap((component) => wantedPorts(component, parts[component]?.ports)),
    guarded: (layout: Layout) => [
      ...(parts.nats === undefined ? [] : natsGuarded(parts.nats, layout)),
      ...(parts.pulsar === undefined ? [] : pulsarGuarded(parts.pulsar, layout)),
      ...pulsarNamespaces(parts, layout).flatMap(({ namespace, topics }) => [namespace, ...topics]),
    ],
    allowDataLoss: config.allowDataLoss,
  };
  return { key, config: host, plan };
}

/** The declared namespaces as plain data: a preview asks the host about them before anything is declared. */
export function pulsarNamespaces({ pulsar, namespaces }: Config, layout: Layout): NamespaceTasks[] {
  return pulsar === undefined ? [] : namespaceTasks(pulsarAdminUrl(pulsar), namespaces, offloadDriver(pulsar, layout));
}

function wantedPorts(component: string, ports: Readonly<Record<string, number>> = {}) {
  return Object.entries(ports).map(([name, port]) => ({ port, configPath: `messaging:${component}.ports.${name}` }));
}

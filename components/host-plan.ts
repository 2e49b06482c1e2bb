import { carried, type HostConfig } from "../config/hosts";
import { type Config, onHost } from "../config/load";
import { wantedPorts } from "../config/ports";
import { planRam } from "../config/ram";
import type { Layout } from "../hosts/layout";
import type { ConnectedHost } from "../hosts/connect";
import type { PlannedHost } from "../hosts/open";
import { benthosGuarded, brokenPipelines } from "./benthos-pipelines";
import { namespacesGuarded } from "./namespace";
import { natsData, natsGuarded } from "./nats-jetstream";
import { pulsarData, pulsarGuarded } from "./pulsar-standalone";

/** The config as far as it concerns one host. */
export function carriedBy(host: HostConfig | undefined, config: Config): Config {
  const { nats, pulsar, benthos, monitoring } = host === undefined ? {} : onHost(host, config);
  return { ...config, nats, pulsar, benthos, monitoring };
}

/** What a host is asked before anything is declared. @param connected undefined: nobody looks at it */
export function plannedHost(key: string, host: HostConfig, config: Config, connected: ConnectedHost | undefined): PlannedHost {
  const parts = carriedBy(host, config);
  const plan = {
    components: carried(host, config),
    plannedBytes: planRam(parts, host.connection === "local" && host.services !== "docker").plannedBytes,
    budget: { ramBudgetBytes: config.ramBudgetBytes, ramReserveBytes: config.ramReserveBytes },
    directories: [parts.nats?.jetstream.storeDir, parts.pulsar?.dataDirectory, parts.pulsar?.tieredStorage?.directory],
    ports: wantedPorts(parts),
    data: (layout: Layout) => ({
      ...(parts.nats === undefined ? {} : { "nats-server": natsData(parts.nats, layout) }),
      ...(parts.pulsar === undefined ? {} : { pulsar: pulsarData(parts.pulsar, layout) }),
    }),
    guarded: (layout: Layout) => [
      ...(parts.nats === undefined ? [] : natsGuarded(parts.nats, layout)),
      ...(parts.pulsar === undefined ? [] : pulsarGuarded(parts.pulsar, layout)),
      ...(parts.pulsar === undefined ? [] : namespacesGuarded(parts.pulsar, parts.namespaces, layout)),
      ...(parts.benthos === undefined ? [] : benthosGuarded(parts.benthos)),
    ],
    check: (layout: Layout) => (parts.benthos === undefined ? Promise.resolve([]) : brokenPipelines(parts.benthos, parts, layout)),
    allowDataLoss: config.allowDataLoss,
  };
  return { key, config: host, connected, plan };
}

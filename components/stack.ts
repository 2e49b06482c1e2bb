import type { Config } from "../config/load";
import type { PulsarConfig } from "../config/pulsar";
import { planRam } from "../config/ram";
import { clientsOf } from "../config/tls";
import type { ConnectedHost } from "../hosts/connect";
import type { Host } from "../hosts/host";
import { openHosts } from "../hosts/open";
import { BenthosPipelines } from "./benthos-pipelines";
import { carriedBy, plannedHost } from "./host-plan";
import { HostTools } from "./host-tools";
import { Monitoring } from "./monitoring";
import { declareNamespaces } from "./namespace";
import { NatsJetStream } from "./nats-jetstream";
import { PulsarStandalone } from "./pulsar-standalone";

/**
 * Observes the hosts and declares what they carry.
 * @param connected the hosts that are looked at, by their keys
 * @returns the outputs of the stack
 * @throws pulumi.RunError as openHosts does
 */
export async function declareStack(config: Config, connected: ReadonlyMap<string, ConnectedHost>): Promise<Record<string, unknown>> {
  const hosts = await openHosts(Object.entries(config.hosts).map(([key, host]) => plannedHost(key, host, config, connected.get(key))));
  const outputs = hosts.map((host) => [host, declare(host, carriedBy(config.hosts[host.key], config))] as const);
  const byKey = outputs.map(([host, ofHost]) => [host.key, { ...ofHost, ...(host.remote ? { facts: host.facts } : {}) }] as const);
  return { ...(outputs.length === 1 ? outputs[0]?.[1] : {}), hosts: Object.fromEntries(byKey) };
}

/** Declares what a host carries. @param parts the config as far as it concerns the host @returns its outputs */
function declare(host: Host, parts: Config): Record<string, unknown> {
  const { plannedBytes, byComponent } = planRam(parts, host.services === "supervisord");
  return {
    ...declareComponents(host, parts),
    ram: {
      budget: parts.ramBudgetBytes,
      reserve: parts.ramReserveBytes,
      planned: plannedBytes,
      enforcement: host.enforcement,
      byComponent,
    },
    paths: { prefix: host.layout.prefix, logs: host.layout.logs },
  };
}

/** The components of a host. @returns the outputs of each */
function declareComponents(host: Host, config: Config): Record<string, unknown> {
  const parent = { parent: host };
  const tls = config.nats?.tls !== undefined || config.pulsar?.tls !== undefined;
  const clients = clientsOf(config.nats?.tls, config.pulsar?.tls);
  const tools = new HostTools({ host, allowDataLoss: config.allowDataLoss, tls, clients }, parent);
  const nats = config.nats === undefined ? undefined : new NatsJetStream({ host, tools, nats: config.nats }, parent);
  const pulsar = config.pulsar === undefined ? undefined : declarePulsar(host, tools, config.pulsar, config.namespaces);
  const after = [...(nats?.ready ?? []), ...(pulsar?.ready ?? [])];
  const { benthos, monitoring } = config;
  const pipelines =
    benthos === undefined
      ? undefined
      : new BenthosPipelines(
          { host, tools, benthos, systems: config, natsKey: nats?.pipelinesKey, pulsarToken: pulsar?.pipelinesToken, after },
          parent,
        );
  const watched =
    monitoring === undefined
      ? undefined
      : new Monitoring({ host, tools, monitoring, systems: config, benthosPassword: pipelines?.password, after }, parent);
  return {
    ...(nats === undefined ? {} : { nats: nats.endpoints }),
    ...(pulsar === undefined ? {} : { pulsar: pulsar.endpoints, namespaces: pulsar.namespaces }),
    ...(pipelines === undefined ? {} : { benthos: pipelines.endpoints }),
    ...(watched === undefined ? {} : { monitoring: watched.endpoints }),
  };
}

/** Pulsar with its namespaces. */
function declarePulsar(host: Host, tools: HostTools, pulsar: PulsarConfig, namespaces: Config["namespaces"]) {
  const server = new PulsarStandalone({ host, tools, pulsar }, { parent: host });
  // Beside the proof of the server, which takes as long as all that follows: the run fails with it all the same.
  const after = [server.service, tools.gojq, tools.consents];
  const { names, applied } = declareNamespaces(host, server, { pulsar, namespaces, after });
  return { endpoints: server.endpoints, pipelinesToken: server.pipelinesToken, namespaces: names, ready: [server.service, ...applied] };
}

import type { BenthosConfig } from "./benthos";
import type { MonitoringConfig } from "./monitoring";
import type { NatsConfig } from "./nats";
import type { PulsarConfig } from "./pulsar";

/** A port on 127.0.0.1 that a component wants. */
export interface WantedPort {
  readonly port: number;
  /** Config path that chooses it, without the namespace. */
  readonly configPath: string;
}

/** Every port that the components of a host listen on. */
export function wantedPorts(components: {
  readonly nats?: NatsConfig | undefined;
  readonly pulsar?: PulsarConfig | undefined;
  readonly benthos?: BenthosConfig | undefined;
  readonly monitoring?: MonitoringConfig | undefined;
}): WantedPort[] {
  const ofComponents = (["nats", "pulsar", "monitoring"] as const).flatMap((component) =>
    Object.entries(components[component]?.ports ?? {}).map(([name, port]) => ({ port, configPath: `${component}.ports.${name}` })),
  );
  const withTls = Object.entries(components.pulsar?.tls?.ports ?? {}).map(([name, port]) => ({
    port,
    configPath: `pulsar.tls.ports.${name}`,
  }));
  const ofProcesses = (components.benthos?.processes ?? []).map(({ port, portPath }) => ({ port, configPath: portPath }));
  return [...ofComponents, ...withTls, ...ofProcesses];
}

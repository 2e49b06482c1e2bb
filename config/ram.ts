import type { BenthosConfig } from "./benthos";
import type { MonitoringConfig } from "./monitoring";
import type { NatsConfig } from "./nats";
import type { PulsarConfig } from "./pulsar";

/** supervisord keeps about 25 MB resident (measured: CPython 3.11, supervisor 4.3.0, two programs). */
export const SUPERVISORD_BYTES = 32 * 2 ** 20;

/** Planned RAM of one host: bytes by component and their sum. */
export interface RamPlan {
  readonly plannedBytes: number;
  readonly byComponent: Readonly<Record<string, number>>;
}

/**
 * What the declared components may use at most on one host.
 * @param components the parsed configs of the components the host carries
 * @param supervisord does it keep them alive? What is the system's own costs the stack nothing.
 */
export function planRam(
  components: {
    readonly nats?: NatsConfig | undefined;
    readonly pulsar?: PulsarConfig | undefined;
    readonly benthos?: BenthosConfig | undefined;
    readonly monitoring?: MonitoringConfig | undefined;
  },
  supervisord: boolean,
): RamPlan {
  const byComponent: Record<string, number> = supervisord ? { supervisord: SUPERVISORD_BYTES } : {};
  for (const component of ["pulsar", "nats", "benthos", "monitoring"] as const) {
    const config = components[component];
    if (config !== undefined) byComponent[component] = config.memoryBytes;
  }
  return { byComponent, plannedBytes: Object.values(byComponent).reduce((sum, bytes) => sum + bytes, 0) };
}

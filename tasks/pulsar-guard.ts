import type { PulsarConfig } from "../config/pulsar";
import type { TaskText } from "../hosts/task";

/** The question to a host whether its data may be served by the version of a config. It is asked and never declared. @param data Pulsar's data directory */
export function pulsarGuard({ version }: PulsarConfig, data: string): TaskText {
  return { name: "pulsar-guard", script: "pulsar-guard", uses: ["products/pulsar.sh"], inputs: { VERSION: version, DATA: data } };
}

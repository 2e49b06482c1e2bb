import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Config, parseConfig } from "../config/load";
import type { BenthosProcess } from "../config/benthos";

/** The whole stack in one network: what compose.yaml runs. */
export interface ComposedStack {
  /** Name of the stack. */
  readonly name: string;
  readonly nats: NonNullable<Config["nats"]>;
  readonly pulsar: NonNullable<Config["pulsar"]>;
  readonly benthos: NonNullable<Config["benthos"]> & { readonly processes: readonly [BenthosProcess] };
  readonly namespaces: Config["namespaces"];
}

/** The settings of a stack in Pulumi.<name>.yaml, without their namespace. */
export function settingsOf(name: string): Readonly<Record<string, unknown>> {
  const { config } = parse(readFileSync(join(__dirname, "..", `Pulumi.${name}.yaml`), "utf8")) as {
    readonly config: Readonly<Record<string, unknown>>;
  };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("messaging:", ""), value]));
}

/**
 * A stack for containers.
 * @param settings as they stand in Pulumi.<name>.yaml
 * @throws Error when they are wrong, or ask for what compose.yaml does not have
 */
export function composedStack(name: string, settings = settingsOf(name)): ComposedStack {
  const { nats, pulsar, benthos, namespaces } = parseConfig(settings);
  const [process, ...others] = benthos?.processes ?? [];
  if (nats === undefined || pulsar === undefined || benthos === undefined || process === undefined || others.length > 0)
    throw new Error(`compose.yaml has NATS, Pulsar and one process of pipelines: stack ${name} has not, or more`);
  // Secrets would stand in a committed file, or in files that nobody makes.
  const options = [nats.auth, nats.tls, pulsar.auth, pulsar.tls, ...Object.keys(benthos.secrets)];
  if (options.some((option) => option !== undefined))
    throw new Error(`stack ${name} has keys, tokens, certificates or secrets, which take \`npm run up\` with services: docker`);
  return { name, nats, pulsar, benthos: { ...benthos, processes: [process] }, namespaces };
}

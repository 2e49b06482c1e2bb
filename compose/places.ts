/** Where things are in the containers of compose.yaml, and below compose/ for those who run them. */
export const PLACES = {
  /** Plays the prefix of a host in the image of ours. */
  prefix: "/messaging",
  /** scripts/ as a mount. */
  scripts: "/opt/messaging",
  nats: { config: "/etc/nats", data: "/data" },
  /** https://github.com/apache/pulsar/blob/v3.3.6/docker/pulsar/Dockerfile */
  pulsar: { home: "/pulsar", config: "/etc/pulsar", data: "/pulsar/data", logs: "/pulsar/logs", java: "/opt/jvm" },
  benthos: { config: "/etc/benthos", directory: "/pipelines" },
  objects: "/etc/objects",
} as const;

/** Names of the services, as those of a host are called elsewhere. */
const SERVICES: Readonly<Record<string, string>> = { "nats-server": "nats" };

/** How services reach each other in the network of compose.yaml. */
export const PEERS = { peer: (service: string): string => SERVICES[service] ?? service };

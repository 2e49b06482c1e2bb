import type * as pulumi from "@pulumi/pulumi";
import type { StreamConfig } from "../config/nats-streams";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { consumerProperties, streamProperties } from "../render/jetstream";
import { type Declared, objectLines } from "../render/objects";

/** A server with the streams that it is to have. */
export interface DeclaredStreams {
  /** Address of the server. */
  readonly url: string;
  /** Address of its monitoring. */
  readonly monitoringUrl: string;
  /** Parsed `messaging:nats.streams`. */
  readonly streams: Readonly<Record<string, StreamConfig>>;
}

/**
 * All streams of a server with their consumers, as one task: a task of its own for each costs more in processes than the server takes for the requests. Plain
 * data, so that a preview can ask the host about it.
 * @returns undefined where none is declared
 */
export function streamsTask({ url, monitoringUrl, streams }: DeclaredStreams): TaskText | undefined {
  const all = Object.entries(streams).map(([name, config]) => ({ name, config, consumers: Object.entries(config.consumers) }));
  if (all.length === 0) return undefined;
  const objects = all.flatMap(({ name, config, consumers }): [string, Declared][] => [
    [`stream/${name}`, streamProperties(config)],
    ...consumers.map(([consumer, declared]): [string, Declared] => [`consumer/${name}/${consumer}`, consumerProperties(declared)]),
  ]);
  return {
    name: "nats-streams",
    script: "nats-streams",
    uses: ["jetstream.sh", "jetstream-view.sh", "objects.sh"],
    inputs: { URL: url, MONITORING_URL: monitoringUrl },
    body: objectLines(Object.fromEntries(objects)),
    earlier: all.flatMap(({ name, consumers }) => [
      `nats-stream-${name}`,
      ...consumers.map(([consumer]) => `nats-consumer-${name}-${consumer}`),
    ]),
  };
}

/**
 * Declares the streams of a server with their consumers.
 * @param args.service the server; what lives in its memory is made again whenever it restarts
 * @param args.after what comes first besides the server
 * @returns the task; none where no stream is declared
 */
export function declareStreams(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly declared: DeclaredStreams; readonly service: Task; readonly after: readonly Task[] },
): Task[] {
  const task = streamsTask(args.declared);
  if (task === undefined) return [];
  // The name is for the reader of a preview: a change of the service shows on what its restart empties.
  const inMemory = Object.values(args.declared.streams).some(({ storage }) => storage === "memory");
  const lifetime = inMemory ? { EMPTIED_BY_RESTART: args.service.digest } : {};
  return [host.run(parent, { ...task, inputs: { ...task.inputs, ...lifetime }, after: [args.service, ...args.after] })];
}

import type * as pulumi from "@pulumi/pulumi";
import type { StreamConfig } from "../config/nats-streams";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { consumerJson, streamJson } from "../render/jetstream";

const SCRIPTS = ["jetstream.sh"];

/** A stream and its consumers as tasks, before anything is declared: plain data, so that a preview can ask the host about them. */
export interface StreamTasks {
  readonly stream: TaskText;
  readonly consumers: readonly TaskText[];
  /** Does a restart of the server empty it? */
  readonly inMemory: boolean;
}

/**
 * The tasks of declared streams.
 * @param url address of the server
 * @param streams parsed `messaging:nats.streams`
 */
export function streamTasks(url: string, streams: Readonly<Record<string, StreamConfig>>): StreamTasks[] {
  return Object.entries(streams).map(([stream, config]) => ({
    inMemory: config.storage === "memory",
    stream: {
      name: `nats-stream-${stream}`,
      script: "nats-stream",
      uses: SCRIPTS,
      inputs: { URL: url, STREAM: stream },
      body: streamJson(stream, config),
    },
    consumers: Object.entries(config.consumers).map(([consumer, consumerConfig]) => ({
      name: `nats-consumer-${stream}-${consumer}`,
      script: "nats-consumer",
      uses: SCRIPTS,
      inputs: { URL: url, STREAM: stream, CONSUMER: consumer },
      body: consumerJson(consumer, consumerConfig),
    })),
  }));
}

/**
 * Declares streams, each followed by its consumers.
 * @param args.service the server; what lives in its memory is made again whenever it restarts
 * @param args.after what comes first besides the server
 * @returns their tasks
 */
export function declareStreams(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly tasks: readonly StreamTasks[]; readonly service: Task; readonly after: readonly Task[] },
): Task[] {
  return args.tasks.flatMap(({ stream, consumers, inMemory }) => {
    // The name is for the reader of a preview: a change of the service shows on the rows of what its restart empties.
    const lifetime = inMemory ? { EMPTIED_BY_RESTART: args.service.digest } : {};
    const declare = (task: TaskText, after: readonly Task[]) =>
      host.run(parent, { ...task, inputs: { ...task.inputs, ...lifetime }, after });
    const declared = declare(stream, [args.service, ...args.after]);
    return [declared, ...consumers.map((consumer) => declare(consumer, [declared]))];
  });
}

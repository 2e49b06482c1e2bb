/** Messages through a server since its start or, of Pulsar, since a topic was loaded. */
export interface Flow {
  readonly messages: number;
  /** Undefined where the product does not count them. */
  readonly bytes?: number;
}

/** Something that counts messages. */
export interface Counters {
  readonly name: string;
  readonly received?: number;
  readonly sent?: number;
  readonly errors?: number;
}

/** A JetStream stream. */
export interface StreamStatus extends Counters {
  /** Messages and bytes stored. */
  readonly messages: number;
  readonly bytes: number;
  /** Null without a limit. */
  readonly maxBytes: number | null;
}

/** A JetStream consumer. */
export interface ConsumerStatus extends Counters {
  readonly stream: string;
  /** Messages that it has not been given yet. */
  readonly lag: number;
  readonly unacknowledged: number;
  readonly redelivered: number;
}

/** A subscription of a Pulsar topic. */
export interface SubscriptionStatus extends Counters {
  /** Messages that are not acknowledged, given to a consumer or not. */
  readonly backlog: number;
  readonly unacknowledged: number;
  /** Gets nothing more until its consumers have acknowledged. */
  readonly blocked: boolean;
}

/** A Pulsar topic, or one of its partitions. */
export interface TopicStatus extends Counters {
  /** Bytes stored. */
  readonly bytes: number;
  /** Sum over its subscriptions, in messages. */
  readonly backlog: number;
  readonly subscriptions: readonly SubscriptionStatus[];
}

/** What Benthos pipelines share. */
export interface SharedStatus {
  /** Of the resources that they use, since the start. */
  readonly errors: number;
  /** Since the start, by consumer: a durable consumer, a subscription, or `http`. */
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly openBreakers: readonly string[];
}

/** A Benthos pipeline. */
export interface PipelineStatus extends Counters {
  /** Labels of the circuit breakers that are open, or try whether they may close. */
  readonly openBreakers: readonly string[];
  /** Messages that waited in its JetStream consumer when it took the last one, or how old that of a Pulsar topic was; null for other inputs. */
  readonly lagMessages: number | null;
  readonly lagMilliseconds: number | null;
}

/** What a product reports about itself, as product_status of scripts/products has it. */
export interface ProductStatus {
  readonly version: string;
  readonly endpoint: string;
  readonly received: Flow;
  readonly sent: Flow;
  readonly connections?: number;
  readonly subscriptions?: number;
  readonly slowConsumers?: number;
  readonly streams?: readonly StreamStatus[];
  readonly consumers?: readonly ConsumerStatus[];
  readonly topics?: readonly TopicStatus[];
  readonly pipelines?: readonly PipelineStatus[];
  readonly shared?: SharedStatus;
  /** Alerts of Prometheus that fire, with their labels. */
  readonly alerts?: readonly string[];
}

/** A service at one moment. */
export interface ServiceSample {
  readonly service: string;
  readonly state: string;
  /** Bytes; undefined while there is no process. */
  readonly memoryBytes: number | undefined;
  /** Since the start of the process, as [[days-]hours:]minutes:seconds. */
  readonly uptime: string | undefined;
  /** Undefined while it does not answer. */
  readonly product: ProductStatus | undefined;
}

/** What each counter grows by in a second; undefined when it began anew in between. */
export interface Rates {
  readonly receivedPerSecond?: number | undefined;
  readonly sentPerSecond?: number | undefined;
  readonly errorsPerSecond?: number | undefined;
}

/** Messages and bytes in a second. */
export interface FlowRates {
  readonly messagesPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

/** A product with its rates. */
export interface RatedProduct extends Omit<ProductStatus, "topics"> {
  readonly received: Flow & FlowRates;
  readonly sent: Flow & FlowRates;
  readonly streams?: readonly (StreamStatus & Rates)[];
  readonly consumers?: readonly (ConsumerStatus & Rates)[];
  readonly topics?: readonly (Omit<TopicStatus, "subscriptions"> &
    Rates & { readonly subscriptions: readonly (SubscriptionStatus & Rates)[] })[];
  readonly pipelines?: readonly (PipelineStatus & Rates)[];
}

/** A service as `npm run status` tells about it. */
export interface ServiceStatus extends Omit<ServiceSample, "product"> {
  readonly host: string;
  /** Planned cap in bytes. */
  readonly capBytes: number | undefined;
  /** `cgroup` where the kernel keeps the cap, else `runtime`. */
  readonly enforcement: string;
  readonly product: RatedProduct | undefined;
}

/** The lines of scripts/status.sh. */
export function parseSamples(report: string): ServiceSample[] {
  return report.split("\n").flatMap((line) => {
    const [service = "", state = "", memory = "", uptime = "", json = ""] = line.split("\t");
    if (service === "") return [];
    const product = json === "" ? undefined : (JSON.parse(json) as ProductStatus);
    return [
      { service, state, memoryBytes: memory === "" ? undefined : Number(memory), uptime: uptime === "" ? undefined : uptime, product },
    ];
  });
}

/**
 * A product with the rates between two looks at it.
 * @param before what the same service said earlier
 */
export function withRates(before: ProductStatus | undefined, after: ProductStatus, seconds: number): RatedProduct {
  const per = (earlier: number | undefined, later: number | undefined) =>
    earlier === undefined || later === undefined || later < earlier ? undefined : (later - earlier) / seconds;
  const flow = (earlier: Flow | undefined, later: Flow): Flow & FlowRates => ({
    ...later,
    messagesPerSecond: per(earlier?.messages, later.messages),
    bytesPerSecond: per(earlier?.bytes, later.bytes),
  });
  const rated = <T extends Counters>(earlier: T | undefined, later: T): T & Rates => ({
    ...later,
    receivedPerSecond: per(earlier?.received, later.received),
    sentPerSecond: per(earlier?.sent, later.sent),
    errorsPerSecond: per(earlier?.errors, later.errors),
  });
  const all = <T extends Counters>(
    earlier: readonly T[] | undefined,
    later: readonly T[],
    key: (one: T) => string = ({ name }) => name,
  ) => {
    const known = new Map(earlier?.map((one) => [key(one), one]));
    return later.map((one) => rated(known.get(key(one)), one));
  };
  const topics = (earlier: readonly TopicStatus[] | undefined, later: readonly TopicStatus[]) => {
    const known = new Map(earlier?.map((topic) => [topic.name, topic]));
    return all(earlier, later).map((topic) => ({
      ...topic,
      subscriptions: all(known.get(topic.name)?.subscriptions, topic.subscriptions),
    }));
  };
  const { streams, consumers, topics: ofPulsar, pipelines } = after;
  return {
    ...after,
    received: flow(before?.received, after.received),
    sent: flow(before?.sent, after.sent),
    ...(streams && { streams: all(before?.streams, streams) }),
    ...(consumers && { consumers: all(before?.consumers, consumers, ({ stream, name }) => `${stream}/${name}`) }),
    ...(ofPulsar && { topics: topics(before?.topics, ofPulsar) }),
    ...(pipelines && { pipelines: all(before?.pipelines, pipelines) }),
  };
}

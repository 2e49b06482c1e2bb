import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { PulsarRest } from "./pulsar-rest";
import { note } from "./results";
import { run } from "./processes";
import { eventually } from "./temporary";
import type { TestStack } from "./test-stack";

/** What runs the services of a host: processes of its service manager, or containers. */
export const TARGETS = ["native", "docker"] as const;

export type Target = (typeof TARGETS)[number];

/** What came of a check on a target, a line of JSON in the file that TARGET_RESULTS names. */
export interface TargetResult {
  readonly check: CheckName;
  readonly target: Target;
  readonly passed: boolean;
}

const EVENTS = "persistent/arc/agents/events";

/** A whole stack with everything turned on: credentials, TLS, tiered storage, pipelines and monitoring. */
export class Subject {
  readonly pulsar: PulsarRest;
  /** Messages that were sent so far. */
  sent = 0;
  maxConnections = 500;
  #target: Target = "native";

  /**
   * @param ports of everything but NATS
   * @param docker how a host says that its services are containers
   * @param containerPid process of a service that is a container
   */
  constructor(
    readonly stack: TestStack,
    readonly ports: Readonly<Record<"broker" | "web" | "bookie" | "brokerTls" | "webTls" | "http" | "prometheus", number>>,
    readonly docker: Readonly<Record<string, unknown>>,
    readonly containerPid: (service: string) => number,
  ) {
    this.pulsar = new PulsarRest(ports.web, () => readFileSync(join(stack.prefix, "etc/pulsar/admin.token"), "utf8").trim());
  }

  /** Writes the settings; that the services run elsewhere is one line of them. */
  configure(target = this.#target, { withAudit = true } = {}): void {
    this.#target = target;
    const { stack, ports, maxConnections } = this;
    const { broker, web, bookie, http } = ports;
    const eventLog = { preset: "eventLog", maxBytes: "64MB" };
    const audit = withAudit ? { audit: { ...eventLog, subjects: ["audit.>"] } } : {};
    stack.configure(
      {
        auth: {},
        tls: {},
        maxConnections,
        streams: {
          events: { ...eventLog, subjects: ["events.>"], consumers: { "pulsar-bridge": {} } },
          "dead-letters": { ...eventLog, subjects: ["dead-letters.>"] },
          ...audit,
        },
      },
      {
        hosts: { local: { prefix: stack.prefix, ...(target === "docker" ? { services: "docker", docker: this.docker } : {}) } },
        pulsar: {
          memory: { maxHeap: "448MiB", initialHeap: "256MiB", maxDirect: "256MiB" },
          ports: { broker, web, bookie },
          auth: {},
          tls: { ports: { broker: ports.brokerTls, web: ports.webTls }, clients: ["agents"] },
          tieredStorage: { thresholdSize: "1GiB" },
        },
        namespaces: {
          "arc/agents": {
            retention: { time: "1d", size: "1GB" },
            permissions: { pipelines: ["produce", "consume"] },
            topics: { events: { subscriptions: { readers: { position: "earliest" } } } },
          },
        },
        benthos: {
          memory: "96MiB",
          ports: { http },
          environment: { EVENTS_TOPIC: "persistent://arc/agents/events" },
          pipelines: { "routing/jetstream_to_pulsar": {}, "ingestion/http_to_jetstream": {}, "monitoring/nats": {} },
        },
        monitoring: { ports: { web: ports.prometheus }, scrapeInterval: "2s" },
      },
    );
  }

  /** @returns what an up printed that has succeeded */
  up(): string {
    const { status, output } = this.stack.operate("up");
    assert.equal(status, 0, output);
    return output;
  }

  pid(service: "nats-server" | "pulsar"): number {
    return this.#target === "docker" ? this.containerPid(service) : this.stack.pid(service);
  }

  /** Sends one message to NATS, and one over HTTP that goes through NATS to Pulsar. */
  async send(): Promise<void> {
    const context = ["--context", "messaging-test-local"];
    const published = this.stack.run(join(this.stack.prefix, "opt/nats/current/nats"), ...context, "pub", "audit.sent", "message");
    assert.equal(published.status, 0, published.output);
    const answer = await fetch(`http://127.0.0.1:${this.ports.http}/ingestion_http_to_jetstream/events`, {
      method: "POST",
      headers: { connection: "close", authorization: `Basic ${Buffer.from(`messaging:${this.#password()}`).toString("base64")}` },
      body: JSON.stringify({ agent: "tester", kind: "note" }),
    });
    assert.equal(answer.status, 200, await answer.text());
    this.sent++;
  }

  /** Of the API of Benthos, which the pipeline's HTTP endpoint is a part of. */
  #password(): string {
    const { output } = this.stack.pulumi("stack", "output", "benthos", "--json", "--show-secrets", "--stack", "test");
    return (JSON.parse(output) as { password: string }).password;
  }

  /** Messages stored in NATS, in Pulsar, and those of Pulsar that wait for a subscription. */
  async stored(): Promise<readonly (number | undefined)[]> {
    const { streams = [] } = this.stack.samples().find(({ service }) => service === "nats-server")?.product ?? {};
    const inStream = (wanted: string) => streams.find(({ name }) => name === wanted)?.messages;
    return [inStream("audit"), inStream("events"), await this.pulsar.backlog(EVENTS, "readers").catch(() => undefined)];
  }

  async allStored(): Promise<void> {
    const wanted = [this.sent, this.sent, this.sent];
    let found: readonly (number | undefined)[] = [];
    await eventually(`${this.sent} messages are stored`, 60, async () => {
      found = await this.stored();
      return found.join() === wanted.join();
    }).catch(() => assert.deepEqual(found, wanted));
  }

  unchanged(): void {
    assert.deepEqual(this.stack.changes(), [], "the preview is empty");
  }
}

/** What a stack does on every target: the same checks one after the other, each on what those before have left. */
const CHECKS = {
  "up installs, starts and proves every service": (subject) => {
    const output = subject.up();
    for (const proof of [
      /queue group/,
      /binary protocol: /,
      /replay: from the earliest/,
      /TLS: /,
      /100 messages published, 100 arrived, 0 lost/,
    ])
      assert.match(output, proof);
  },
  "what was stored before is there, and a preview has nothing to do": async (subject) => {
    await subject.allStored();
    subject.unchanged();
  },
  "what comes over HTTP is stored in NATS and in Pulsar": async (subject) => {
    await subject.send();
    await subject.allStored();
  },
  "every port is there, and none beyond loopback": ({ stack, ports: { bookie, ...ports } }) => {
    const wanted = [stack.client, stack.monitoring, ...Object.values(ports)];
    const addresses = run("ss", "-Hltn")
      .split("\n")
      .flatMap((line) => /^\S+ +\S+ +\S+ +(\S+)/.exec(line)?.[1] ?? []);
    const ours = addresses.filter((address) => [...wanted, bookie].some((port) => address.endsWith(`:${port}`)));
    for (const port of wanted)
      assert.ok(
        ours.some((address) => address.endsWith(`:${port}`)),
        `${port}: ${ours.join(" ")}`,
      );
    assert.deepEqual(
      ours.filter((address) => !/^(127\.|\[::ffff:127\.)/.test(address)),
      [],
    );
  },
  "status tells the state and the memory of every service": ({ stack }) => {
    const samples = stack.samples();
    assert.deepEqual(samples.map(({ service, state }) => `${service} ${state}`).sort(), [
      "benthos running",
      "nats-server running",
      "prometheus running",
      "pulsar running",
    ]);
    for (const { service, memoryBytes = 0, product } of samples) {
      assert.ok(memoryBytes > 2 ** 20, `${service}: ${memoryBytes} bytes`);
      assert.ok(product !== undefined, service);
    }
  },
  "Prometheus sees every service": async ({ ports: { prometheus } }) => {
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${prometheus}/api/v1/${path}`, { headers: { connection: "close" } });
      return ((await answer.json()) as { data: Record<string, unknown> }).data;
    };
    const wanted = ["benthos up ", "gnatsd_up", "prometheus up ", "pulsar up "];
    let found: string[] = [];
    // Not by the series `up`: those of targets that another Prometheus had on the same data last for minutes.
    await eventually("everything is scraped", 60, async () => {
      const targets = (await ask("targets"))["activeTargets"] as { labels: Record<string, string>; health: string; lastError: string }[];
      const metrics = (await ask("query?query=gnatsd_up%3D%3D1"))["result"] as unknown[];
      found = targets.map(({ labels, health, lastError }) => `${labels["service"]} ${health} ${lastError}`);
      found = [...found, ...(metrics.length > 0 ? ["gnatsd_up"] : [])].sort();
      return found.join() === wanted.join();
    }).catch(() => assert.deepEqual(found, wanted));
  },
  "a change that would lose messages is refused": (subject) => {
    subject.configure(undefined, { withAudit: false });
    const { status, output } = subject.stack.operate("preview");
    subject.configure();
    assert.notEqual(status, 0);
    assert.match(output, /add "stream\/audit" to messaging:allowDataLoss/);
  },
  "an edited limit and a policy set by another hand are lines of the preview, and right after up": async (subject) => {
    const { stack, pulsar } = subject;
    subject.maxConnections++;
    subject.configure();
    await pulsar.admin("POST", "namespaces/arc/agents/retention", { retentionTimeInMinutes: 60, retentionSizeInMB: 100 });
    const { output } = stack.operate("preview", "--diff");
    assert.match(output, new RegExp(`\\+ max_connections: ${subject.maxConnections}`));
    assert.match(output, /# expected: namespace\/arc\/agents retention .*1440[^]*# found: {4}namespace\/arc\/agents retention .*60/);
    subject.up();
    assert.equal((await stack.monitor("varz"))?.["max_connections"], subject.maxConnections);
    assert.equal((await pulsar.admin("GET", "namespaces/arc/agents/retention"))?.["retentionTimeInMinutes"], 1440);
    subject.unchanged();
  },
  "servers killed with -9 come back by themselves with every message": async (subject) => {
    const servers = (["nats-server", "pulsar"] as const).map((service) => [service, subject.pid(service)] as const);
    for (const [, pid] of servers) process.kill(pid, "SIGKILL");
    for (const [service, pid] of servers) await eventually(`another ${service}`, 60, () => ![0, pid].includes(subject.pid(service)));
    await eventually("Pulsar is well", 120, () => subject.pulsar.healthy());
    await subject.allStored();
    subject.unchanged();
  },
} as const satisfies Readonly<Record<string, (subject: Subject) => void | Promise<void>>>;

/** What a check says. */
export type CheckName = keyof typeof CHECKS;

export const CHECK_NAMES = Object.keys(CHECKS) as CheckName[];

/** Declares the checks as tests of a target. */
export function checkTarget(target: Target, subject: () => Subject): void {
  for (const check of CHECK_NAMES) {
    it(`${target}: ${check}`, async () => {
      let passed = false;
      try {
        subject().configure(target);
        await CHECKS[check](subject());
        passed = true;
      } finally {
        const result: TargetResult = { check, target, passed };
        note("TARGET_RESULTS", result);
      }
    });
  }
}

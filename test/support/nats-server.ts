import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseConfig } from "../../config/load";
import { pinnedVersions } from "../../config/pins";
import { artifactDir, platform } from "../../setup/paths";
import { consumerProperties, streamProperties } from "../../render/jetstream";
import { run, Server } from "./processes";
import { eventually, freePorts, removeDirectory, temporaryDirectory } from "./temporary";

const binary = (name: "nats" | "nats-server", version: string = pinnedVersions(name)[0]) =>
  join(artifactDir(name, version, platform()), name);

/** A bare NATS server with JetStream on free ports of 127.0.0.1, its store in a temporary directory. */
export class NatsServer {
  readonly url: string;
  readonly monitoringUrl: string;
  readonly #directory = temporaryDirectory();
  readonly #server: Server;

  private constructor([client, monitoring]: readonly number[], version: string) {
    this.url = `nats://127.0.0.1:${client}`;
    this.monitoringUrl = `http://127.0.0.1:${monitoring}`;
    const listen = ["-a", "127.0.0.1", "-p", String(client), "-m", String(monitoring)];
    const store = join(this.#directory, "store");
    mkdirSync(store);
    this.#server = new Server([binary("nats-server", version), "-js", "-sd", store, ...listen], join(this.#directory, "log"));
  }

  /**
   * Starts a server and makes streams.
   * @param streams as in `messaging:nats.streams`
   * @param version one of the pinned ones, by default the stack's default
   */
  static async start(streams: Readonly<Record<string, unknown>>, version: string = pinnedVersions("nats-server")[0]): Promise<NatsServer> {
    const server = new NatsServer(await freePorts(2), version);
    await server.up();
    const parsed = parseConfig({ nats: { jetstream: { maxFileStore: "10TB" }, streams } }).nats?.streams ?? {};
    for (const [name, stream] of Object.entries(parsed)) {
      server.api(`STREAM.CREATE.${name}`, JSON.stringify({ name, ...streamProperties(stream) }));
      for (const [consumer, declared] of Object.entries(stream.consumers)) {
        const config = { durable_name: consumer, ...consumerProperties(declared) };
        server.api(`CONSUMER.DURABLE.CREATE.${name}.${consumer}`, JSON.stringify({ stream_name: name, config }));
      }
    }
    return server;
  }

  /** Starts it (again) and waits until it answers. */
  async up(): Promise<void> {
    this.#server.start();
    await eventually("NATS answers", 20, () => spawnSync(binary("nats"), this.#args("rtt")).status === 0);
  }

  /** Kills it as a power failure would. */
  async down(): Promise<void> {
    await this.#server.stop();
  }

  /** Stops it and removes its state. */
  async remove(): Promise<void> {
    await this.down();
    removeDirectory(this.#directory);
  }

  /** Asks JetStream's API. @param subject below `$JS.API` @throws Error when the answer is one */
  api(subject: string, body = ""): Record<string, unknown> {
    const answer = JSON.parse(this.cli("request", "--raw", `$JS.API.${subject}`, body)) as Record<string, unknown>;
    if (answer["error"] !== undefined) throw new Error(`${subject}: ${JSON.stringify(answer["error"])}`);
    return answer;
  }

  /** Messages that a stream holds. */
  messages(stream: string): number {
    return (this.api(`STREAM.INFO.${stream}`)["state"] as { messages: number }).messages;
  }

  /** Messages that a consumer has not acknowledged yet. */
  unacknowledged(stream: string, consumer: string): number {
    const info = this.api(`CONSUMER.INFO.${stream}.${consumer}`) as { num_pending: number; num_ack_pending: number };
    return info.num_pending + info.num_ack_pending;
  }

  /** The stored messages of a subject, the first first. */
  stored(stream: string, subject: string): { readonly headers: string; readonly data: string }[] {
    const all: { headers: string; data: string }[] = [];
    for (let sequence = 1; ;) {
      try {
        const { message } = this.api(`STREAM.MSG.GET.${stream}`, JSON.stringify({ seq: sequence, next_by_subj: subject })) as {
          message: { seq: number; hdrs?: string; data?: string };
        };
        const text = (encoded: string | undefined) => Buffer.from(encoded ?? "", "base64").toString();
        all.push({ headers: text(message.hdrs), data: text(message.data) });
        sequence = message.seq + 1;
      } catch {
        return all;
      }
    }
  }

  /** Publishes one message and waits for its acknowledgement. */
  publish(subject: string, data: string, ...headers: string[]): void {
    this.cli("request", "--raw", subject, data, ...headers.flatMap((header) => ["-H", header]));
  }

  /** Runs the nats CLI. @returns its standard output */
  cli(...args: string[]): string {
    return run(binary("nats"), ...this.#args(...args));
  }

  #args(...args: string[]): string[] {
    return ["--no-context", "--server", this.url, "--timeout", "5s", ...args];
  }
}

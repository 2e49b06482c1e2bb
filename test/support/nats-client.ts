import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A client of NATS that asks and waits for answers: all that a test needs to know which messages were acknowledged (https://docs.nats.io/reference/reference-protocols/nats-protocol). */
export class NatsClient {
  readonly #socket: Socket;
  readonly #inbox = `_INBOX.${randomBytes(8).toString("hex")}`;
  readonly #waiting = new Map<string, { resolve: (answer: string) => void; reject: (error: Error) => void }>();
  #received = Buffer.alloc(0);
  #asked = 0;

  constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (piece) => this.#read(piece));
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the server is gone"));
      this.#waiting.clear();
    });
    this.#socket.write(
      `CONNECT {"verbose":false,"pedantic":false,"headers":false,"lang":"test","version":"1"}\r\nSUB ${this.#inbox}.* 1\r\n`,
    );
  }

  /** Publishes and waits for the reply. @throws Error when the server goes away, or after 10 s */
  async request(subject: string, payload: string): Promise<string> {
    if (this.#socket.destroyed) throw new Error("the server is gone");
    const reply = `${this.#inbox}.${this.#asked++}`;
    const timeout = new AbortController();
    const answer = new Promise<string>((resolve, reject) => this.#waiting.set(reply, { resolve, reject }));
    this.#socket.write(`PUB ${subject} ${reply} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
    const late = sleep(10_000, undefined, { signal: timeout.signal, ref: false }).then(() => {
      throw new Error(`no answer on ${subject}`);
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([answer, late]);
    } finally {
      timeout.abort();
      this.#waiting.delete(reply);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(piece: Buffer): void {
    this.#received = Buffer.concat([this.#received, piece]);
    for (;;) {
      const end = this.#received.indexOf("\r\n");
      if (end < 0) return;
      const [verb = "", subject = "", ...rest] = this.#received.subarray(0, end).toString().split(" ");
      let next = end + 2;
      if (verb === "MSG") {
        const size = Number(rest.at(-1));
        if (this.#received.length < next + size + 2) return;
        this.#waiting.get(subject)?.resolve(this.#received.subarray(next, next + size).toString());
        next += size + 2;
      } else if (verb === "PING") {
        this.#socket.write("PONG\r\n");
      }
      this.#received = this.#received.subarray(next);
    }
  }
}

/** Publishes numbered messages to a stream, whatever happens to its server, and remembers which were acknowledged. */
export class AcknowledgedLoad {
  /** Payload by sequence, of every message that the server has acknowledged. */
  readonly acknowledged = new Map<number, string>();
  readonly #port: number;
  readonly #subject: string;
  readonly #inFlight: number;
  readonly #pauseMilliseconds: number;
  #number = 0;
  #running = false;
  #done: Promise<unknown> = Promise.resolve();

  /** @param options.inFlight how many publishes wait for their acknowledgement at a time @param options.pauseMilliseconds after each of them */
  constructor(port: number, subject: string, options: { readonly inFlight?: number; readonly pauseMilliseconds?: number } = {}) {
    this.#port = port;
    this.#subject = subject;
    this.#inFlight = options.inFlight ?? 16;
    this.#pauseMilliseconds = options.pauseMilliseconds ?? 0;
  }

  start(): void {
    this.#running = true;
    this.#done = this.#publish();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #publish(): Promise<void> {
    while (this.#running) {
      const client = new NatsClient(this.#port);
      // All end with the first that fails.
      await Promise.all(Array.from({ length: this.#inFlight }, () => this.#publishOver(client))).catch(() => undefined);
      client.close();
      await sleep(50);
    }
  }

  async #publishOver(client: NatsClient): Promise<void> {
    while (this.#running) {
      const payload = `message ${this.#number++}`;
      const { seq, error } = JSON.parse(await client.request(this.#subject, payload)) as { seq?: number; error?: object };
      if (error === undefined && seq !== undefined) this.acknowledged.set(seq, payload);
      if (error !== undefined || this.#pauseMilliseconds > 0) await sleep(Math.max(this.#pauseMilliseconds, error === undefined ? 0 : 50));
    }
  }

  /** The acknowledged messages that a stream has not, as sequences. */
  async lost(stream: string): Promise<number[]> {
    const client = new NatsClient(this.#port);
    const lost: number[] = [];
    const wanted = [...this.acknowledged];
    const one = async () => {
      for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
        const [sequence, payload] = next;
        const answer = await client.request(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify({ seq: sequence }));
        const { message } = JSON.parse(answer) as { message?: { data?: string } };
        if (Buffer.from(message?.data ?? "", "base64").toString() !== payload) lost.push(sequence);
      }
    };
    await Promise.all(Array.from({ length: 32 }, one));
    client.close();
    return lost.sort((one, other) => one - other);
  }
}

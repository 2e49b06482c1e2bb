import assert from "node:assert/strict";

/** A Pulsar over REST, as the tests of a whole stack use it. Topics are `persistent/<tenant>/<namespace>/<topic>`. */
export class PulsarRest {
  readonly #url: string;
  readonly #token: (() => string) | undefined;

  /** @param port of its web service on 127.0.0.1 @param token where it asks for one */
  constructor(port: number, token?: () => string) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#token = token;
  }

  /** Each request has a connection of its own: servers come and go. */
  get #headers(): Record<string, string> {
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token()}` };
    return { "content-type": "application/json", connection: "close", ...authorization };
  }

  /** What the admin API answers, or undefined where that is nothing. @param path below `/admin/v2` */
  async admin(method: string, path: string, body?: unknown): Promise<Record<string, unknown> | undefined> {
    const answer = await fetch(`${this.#url}/admin/v2/${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Publishes `message <from>` and so on, each acknowledged. */
  async publish(topic: string, count: number, from = 0): Promise<void> {
    for (let sent = 0; sent < count; sent += 100) {
      const messages = Array.from({ length: Math.min(100, count - sent) }, (_, index) => ({ payload: `message ${from + sent + index}` }));
      const answer = await fetch(`${this.#url}/topics/${topic}`, {
        method: "POST",
        headers: this.#headers,
        signal: AbortSignal.timeout(15_000),
        body: JSON.stringify({ producerName: "test", messages }),
      });
      const { messagePublishResults } = (await answer.json()) as { messagePublishResults: { errorCode: number }[] };
      assert.ok(messagePublishResults.every(({ errorCode }) => errorCode === 0));
    }
  }

  /** How many messages wait for a subscription. */
  async backlog(topic: string, subscription: string): Promise<number | undefined> {
    const stats = (await this.admin("GET", `${topic}/stats?getPreciseBacklog=true`)) as {
      subscriptions: Record<string, { msgBacklog: number } | undefined>;
    };
    return stats.subscriptions[subscription]?.msgBacklog;
  }

  /** The next message of a subscription. @param subscription such as `persistent/<tenant>/<namespace>/<topic>/subscription/<name>` */
  async next(subscription: string): Promise<string> {
    return (await fetch(`${this.#url}/admin/v2/${subscription}/position/1`, { headers: this.#headers })).text();
  }

  /** Does it answer? */
  ready(): Promise<boolean> {
    return this.#isOk("ready");
  }

  /** Does it publish and read? A server that has just come back answers before its bookie takes part. */
  healthy(): Promise<boolean> {
    return this.#isOk("health");
  }

  async #isOk(check: "ready" | "health"): Promise<boolean> {
    try {
      // The health check of a broker that has just come back may wait for its own topic longer than the next one takes.
      return (await fetch(`${this.#url}/admin/v2/brokers/${check}`, { headers: this.#headers, signal: AbortSignal.timeout(10_000) })).ok;
    } catch {
      return false;
    }
  }
}

import { createHash } from "node:crypto";
import type { Client } from "ssh2";
import { reveal, type Value } from "../common/values";
import { dial } from "./connection";
import type { CommandGroups } from "./groups";

/** As many as sshd allows on one connection (MaxSessions), unless its configuration says otherwise. */
const mostUsers = 10;

/** How long a connection stays that nobody uses: what depends on the last command follows sooner. */
const idleMilliseconds = 3000;

interface SharedConnection {
  /** Digest of where to, and as whom. */
  readonly key: string;
  readonly client: Promise<Client>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** Connections over SSH, each for everything that is done on one server at the same time or soon after. */
export class Connections {
  readonly #shared = new Set<SharedConnection>();
  readonly #cancelled = new AbortController();

  /** @param groups when they are to end, all connections do */
  constructor(groups: CommandGroups) {
    groups.onEnd(() => {
      this.#cancelled.abort();
      for (const { client } of this.#shared) client.then((it) => it.destroy()).catch(() => undefined);
    });
  }

  /**
   * Does something over a connection, which it must not end. It may be begun a second time when the server refused its first session.
   * @param connection the input, secret or not
   * @throws as dial does, and what the work throws
   */
  async use<T>(connection: Value, work: (client: Client) => Promise<T>): Promise<T> {
    const shared = this.#take(connection);
    try {
      const client = await shared.client;
      return await work(client).catch((error: unknown) => {
        if (!isRefusedSession(error)) throw error;
        return this.#alone(connection, work);
      });
    } finally {
      this.#release(shared);
    }
  }

  #take(connection: Value): SharedConnection {
    const key = createHash("sha256")
      .update(JSON.stringify(reveal(connection)))
      .digest("hex");
    const shared = [...this.#shared].find((each) => each.key === key && each.users < mostUsers) ?? this.#open(key, connection);
    clearTimeout(shared.idle);
    shared.users++;
    return shared;
  }

  #open(key: string, connection: Value): SharedConnection {
    const client = dial(connection, this.#cancelled.signal);
    const shared: SharedConnection = { key, client, users: 0, idle: undefined };
    this.#shared.add(shared);
    client.then(
      (it) => {
        // Each user listens, too.
        it.setMaxListeners(2 * mostUsers);
        it.on("close", () => this.#shared.delete(shared));
        // What goes wrong from here on shows in the work, which is cut off.
        it.on("error", () => undefined);
      },
      () => this.#shared.delete(shared),
    );
    return shared;
  }

  #release(shared: SharedConnection): void {
    shared.users--;
    if (shared.users > 0) return;
    shared.idle = setTimeout(() => {
      this.#shared.delete(shared);
      shared.client.then((it) => it.end()).catch(() => undefined);
    }, idleMilliseconds);
    shared.idle.unref();
  }

  /** For servers that allow fewer sessions on a connection than usual. */
  async #alone<T>(connection: Value, work: (client: Client) => Promise<T>): Promise<T> {
    const client = await dial(connection, this.#cancelled.signal);
    const destroy = () => client.destroy();
    this.#cancelled.signal.addEventListener("abort", destroy);
    client.on("error", () => undefined);
    return work(client).finally(() => {
      this.#cancelled.signal.removeEventListener("abort", destroy);
      client.end();
    });
  }
}

/** Was no session opened, because the server allows fewer or has just gone away? Nothing was run in it then. */
function isRefusedSession(error: unknown): boolean {
  return error instanceof Error && /Channel open failure|Not connected/.test(error.message);
}

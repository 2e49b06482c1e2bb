import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, utils, type ConnectConfig } from "ssh2";
import { reveal, type PropertyMap, type Value } from "../common/values";

const defaultDialErrorLimit = 10;
const defaultDialTimeoutSeconds = 15;
const firstRetryMilliseconds = 100;
const longestRetryMilliseconds = 5000;

/** How to reach an SSH server, as the inputs of a resource say it. */
interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  /** The key that the server must prove to have, as in authorized_keys: type and base64. Any key will do when it is absent. */
  readonly hostKey?: string;
  readonly agentSocketPath?: string;
  /** How many attempts to connect may fail; -1: any number. */
  readonly dialErrorLimit: number;
  /** Seconds for each attempt; 0: no limit. */
  readonly perDialTimeout: number;
}

/** An attempt to connect that another attempt would not help. */
class FinalDialError extends Error {}

/**
 * Connects to the server of an input `connection`, through its `proxy` where there is one.
 * @param connection the input, secret or not
 * @param signal gives up when it is aborted
 * @returns a client that the caller ends; ending it ends the connection to the proxy too
 * @throws when the server cannot be reached, refuses the user, or has another host key; never with a secret in the message
 */
export async function dial(connection: Value, signal: AbortSignal): Promise<Client> {
  const properties = reveal(connection) as PropertyMap;
  const server = endpoint(properties);
  const through = properties.proxy ?? undefined;
  if (through === undefined) {
    return retrying(server, signal, () => connect(server));
  }
  const proxy = endpoint(through as PropertyMap);
  const bridge = await retrying(proxy, signal, () => connect(proxy)).catch((error: unknown) => {
    throw new Error(`proxy: ${message(error)}`, { cause: error });
  });
  try {
    const client = await retrying(server, signal, async () => connect(server, await tunnel(bridge, server)));
    client.on("close", () => bridge.end());
    return client;
  } catch (error) {
    bridge.end();
    throw error;
  }
}

function endpoint(properties: PropertyMap): Endpoint {
  return {
    ...(properties as unknown as Endpoint),
    port: (properties.port ?? 22) as number,
    user: (properties.user ?? "root") as string,
    dialErrorLimit: (properties.dialErrorLimit ?? defaultDialErrorLimit) as number,
    perDialTimeout: (properties.perDialTimeout ?? defaultDialTimeoutSeconds) as number,
  };
}

/** Tries again until the limit of the endpoint; a wrong host key or a refused user is final. */
async function retrying(server: Endpoint, signal: AbortSignal, attempt: () => Promise<Client>): Promise<Client> {
  for (let failures = 1, pause = firstRetryMilliseconds; ; failures++, pause = Math.min(pause * 2, longestRetryMilliseconds)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof FinalDialError || signal.aborted) {
        throw error;
      }
      if (server.dialErrorLimit >= 0 && failures > server.dialErrorLimit) {
        throw new Error(`${server.user}@${server.host}:${server.port}: after ${failures} failed attempts: ${message(error)}`, {
          cause: error,
        });
      }
      await sleep(pause, undefined, { signal });
    }
  }
}

function connect(server: Endpoint, sock?: Duplex): Promise<Client> {
  const client = new Client();
  let wrongKey: string | undefined;
  const pinned = server.hostKey === undefined ? undefined : parseHostKey(server.hostKey);
  const config: ConnectConfig = {
    host: server.host,
    port: server.port,
    username: server.user,
    readyTimeout: server.perDialTimeout * 1000,
    // A server that is gone must not hang a task: four lost answers end the connection.
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    ...(sock && { sock }),
    ...(server.password !== undefined && { password: server.password, tryKeyboard: true }),
    ...(server.privateKey !== undefined && { privateKey: server.privateKey }),
    ...(server.privateKeyPassword !== undefined && { passphrase: server.privateKeyPassword }),
    ...agentOf(server),
    ...(pinned && { algorithms: { serverHostKey: pinned.algorithms } }),
    hostVerifier: (key: Buffer) => {
      if (pinned === undefined || key.equals(pinned.key)) {
        return true;
      }
      wrongKey = fingerprint(key);
      return false;
    },
  };
  return new Promise((resolve, reject) => {
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) =>
      finish(prompts.map(() => server.password ?? "")),
    );
    client.on("ready", () => resolve(client));
    client.on("error", (error: Error & { level?: string }) => {
      const at = `${server.user}@${server.host}:${server.port}`;
      if (wrongKey !== undefined && pinned !== undefined) {
        reject(new FinalDialError(`${at}: host key mismatch: pinned ${fingerprint(pinned.key)}, the server has ${wrongKey}`));
      } else if (pinned !== undefined && /no matching host key/i.test(error.message)) {
        reject(new FinalDialError(`${at}: host key mismatch: the server has no key of the pinned type ${pinned.type}`));
      } else if (error.level === "client-authentication") {
        reject(new FinalDialError(`${at}: the server refuses the user's key or password`));
      } else {
        reject(error);
      }
    });
    client.on("close", () => reject(new Error("the server closed the connection")));
    try {
      client.connect(config);
    } catch (error) {
      // What the library refuses before it connects, such as a private key that it cannot read.
      reject(new FinalDialError(message(error)));
    }
  });
}

function agentOf({ agentSocketPath }: Endpoint): { agent?: string } {
  const agent = agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  return agent ? { agent } : {};
}

function tunnel(bridge: Client, { host, port }: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    bridge.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** The key of a line such as `ssh-ed25519 AAAA…`, and the algorithms that prove it. */
function parseHostKey(line: string): { type: string; key: Buffer; algorithms: [HostKeyAlgorithm, ...HostKeyAlgorithm[]] } {
  const parsed = utils.parseKey(line);
  if (parsed instanceof Error) {
    throw new FinalDialError(`hostKey is no public key: ${parsed.message}`);
  }
  const type = parsed.type as HostKeyAlgorithm;
  const algorithms: [HostKeyAlgorithm, ...HostKeyAlgorithm[]] = type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
  return { type, key: parsed.getPublicSSH(), algorithms };
}

type HostKeyAlgorithm = "ssh-ed25519" | "ecdsa-sha2-nistp256" | "rsa-sha2-512" | "rsa-sha2-256" | "ssh-rsa";

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

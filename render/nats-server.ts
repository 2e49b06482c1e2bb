import type { NatsConfig } from "../config/nats";
import { lines, MANAGED_BY } from "./text";

/**
 * Keys that nats-server 2.10 takes over on SIGHUP; any other change needs a restart. The server rejects a reload as a whole.
 * https://github.com/nats-io/nats-server/blob/v2.10.29/server/reload.go
 */
const RELOADED: ReadonlySet<string> = new Set(["max_connections", "max_payload", "write_deadline"]);

/** What nats-server.conf needs besides the limits. */
export interface NatsServerPaths {
  /** JetStream's directory; the server appends `jetstream` to it. */
  readonly storeDir: string;
  readonly pidFile: string;
}

/**
 * nats-server.conf in the server's native format, one key a line, so that a preview shows a changed limit as a changed line.
 * Sizes are whole bytes. Both listeners are on loopback. Source of the keys: https://docs.nats.io/running-a-nats-service/configuration
 * @param serverName the name the server reports in its monitoring endpoints
 */
export function natsServerConf(nats: NatsConfig, serverName: string, paths: NatsServerPaths): string {
  const server = {
    server_name: serverName,
    listen: `127.0.0.1:${nats.ports.client}`,
    http: `127.0.0.1:${nats.ports.monitoring}`,
    pid_file: quoted(paths.pidFile),
    max_connections: nats.maxConnections,
    max_subscriptions: nats.maxSubscriptions,
    max_payload: nats.maxPayloadBytes,
    max_pending: nats.maxPendingBytes,
    write_deadline: quoted(`${nats.writeDeadlineMilliseconds}ms`),
  };
  const jetstream = {
    store_dir: quoted(paths.storeDir),
    max_mem: nats.jetstream.maxMemoryStoreBytes,
    max_file: nats.jetstream.maxFileStoreBytes,
    // `always` syncs each message before it is acknowledged; the server's own default is two minutes.
    sync_interval: nats.durability === "fsync" ? "always" : quoted("120s"),
  };
  return `# ${MANAGED_BY}\n` + lines(server, keyValue) + `jetstream {\n${lines(jetstream, (key, value) => `  ${keyValue(key, value)}`)}}\n`;
}

/** The comment says what a change of this line takes: scripts/products/nats-server.sh goes by it, and a preview shows it beside the change. */
function keyValue(key: string, value: string | number): string {
  return `${key}: ${value} # ${RELOADED.has(key) ? "reload" : "restart"}`;
}

function quoted(text: string): string {
  return `"${text}"`;
}

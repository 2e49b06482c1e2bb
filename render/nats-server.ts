import type { NatsConfig } from "../config/nats";
import { lines, MANAGED_BY } from "./text";
import type { ServerTls } from "./tls";

/** How a key's change takes effect: at once on SIGHUP, at once when its value is raised, or by a restart. A reload is rejected as a whole. */
type Effect = "reload" | "reload when raised" | "restart";

const RELOADED = { max_connections: "reload", max_payload: "reload", write_deadline: "reload" } as const;

/**
 * Keys that each version takes over on SIGHUP; any other change needs a restart.
 * https://github.com/nats-io/nats-server/blob/v2.10.29/server/reload.go and the same file at the other tags
 */
const EFFECTS: Readonly<Record<NatsConfig["version"], Readonly<Record<string, Effect>>>> = {
  "2.10.29": RELOADED,
  "2.12.8": { ...RELOADED, max_mem: "reload when raised", max_file: "reload when raised" },
};

/** What nats-server.conf needs besides the limits. */
export interface NatsServerPaths {
  /** JetStream's directory; the server appends `jetstream` to it. */
  readonly storeDir: string;
  /** Undefined where the service manager knows the process. */
  readonly pidFile: string | undefined;
  /** What the server proves itself with; undefined: no TLS. */
  readonly tls?: ServerTls | undefined;
  /** Address that both listeners are on; loopback without one. */
  readonly address?: string;
}

/**
 * nats-server.conf in the server's native format, one key a line, so that a preview shows a changed limit as a changed line.
 * Sizes are whole bytes. Source of the keys: https://docs.nats.io/running-a-nats-service/configuration
 * @param serverName the name the server reports in its monitoring endpoints
 */
export function natsServerConf(nats: NatsConfig, serverName: string, paths: NatsServerPaths): string {
  const { address = "127.0.0.1" } = paths;
  const server = {
    server_name: serverName,
    listen: `${address}:${nats.ports.client}`,
    http: `${address}:${nats.ports.monitoring}`,
    pid_file: paths.pidFile === undefined ? undefined : quoted(paths.pidFile),
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
  // The comment says what a change of its line takes: scripts/products/nats-server.sh goes by it, and a preview shows it beside the change.
  const keyValue = (key: string, value: string | number) => `${key}: ${value} # ${EFFECTS[nats.version][key] ?? "restart"}`;
  // No change of a line: the same files get another certificate, which a reload takes over.
  const tls = paths.tls && {
    cert_file: quoted(paths.tls.certificate),
    key_file: quoted(paths.tls.key),
    ...(paths.tls.clientAuthority === undefined ? {} : { ca_file: quoted(paths.tls.clientAuthority), verify: "true" }),
  };
  const accounts = nats.auth === undefined ? "" : "include ./accounts.conf\n";
  return (
    `# ${MANAGED_BY}\n` +
    lines(server, keyValue) +
    accounts +
    (tls === undefined ? "" : `tls {\n${lines(tls, (key, value) => `  ${keyValue(key, value)}`)}}\n`) +
    `jetstream {\n${lines(jetstream, (key, value) => `  ${keyValue(key, value)}`)}}\n`
  );
}

function quoted(text: string): string {
  return `"${text}"`;
}

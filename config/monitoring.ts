import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { pinnedVersions } from "./pins";
import { keepVersions, object, port } from "./schema";
import { duration, size } from "./units";

/** GOMEMLIMIT as a share of the process cap: the Go collector works harder before the cap is met (https://go.dev/doc/gc-guide#Memory_limit). */
const GOMEMLIMIT_SHARE = 0.85;

/** The pipeline that makes Prometheus metrics of what NATS reports: NATS has none of its own. */
export const NATS_METRICS = "monitoring/nats";

/** The duration in the alert rules that `alertWindow` stands for. */
const WINDOW = "10m";

/** The seconds in the alert rules that `driftCheckMaxAge` stands for. */
const DRIFT_CHECK_MAX_AGE = "172800";

/** Alert rules, and the recording rules that they lean on. */
const ALERTS = join(__dirname, "../monitoring/alerts.yaml");

const versions = pinnedVersions("prometheus");

/**
 * `messaging:monitoring`: a Prometheus that scrapes the systems of its host and evaluates the alert rules of `monitoring/alerts.yaml`.
 * https://prometheus.io/docs/prometheus/2.42/
 */
export const monitoringSchema = object({
  version: z
    .enum(versions, `allowed: a pinned version (${versions.join(", ")})`)
    .default(versions[0])
    .describe("Debian's package of Prometheus (amd64, arm64), fixed as long as Debian 12 is"),
  keepVersions,
  memory: size("96MiB", "1TB").prefault("256MiB").describe("cap of the process; GOMEMLIMIT is 85 % of it"),
  retention: duration("1h", "3650d").prefault("15d").describe("for how long series are kept"),
  retentionSize: size("100MB", "10TB").prefault("1GB").describe("how much of them at most"),
  scrapeInterval: duration("1s", "5m").prefault("15s").describe("how often metrics are read"),
  alertWindow: duration("10s", "24h").prefault(WINDOW).describe("how long a condition lasts before its alert fires"),
  driftCheckMaxAge: duration("10s", "365d", { never: Infinity })
    .prefault("2d")
    .describe("after which the last `npm run drift` is stale; nothing fires where none has ever run"),
  ports: object({ web: port.default(9090).describe("HTTP API and web interface, on 127.0.0.1") }).prefault({}),
}).transform(({ memory, retention, retentionSize, scrapeInterval, alertWindow, driftCheckMaxAge, ...rest }) => ({
  ...rest,
  memoryBytes: memory,
  goMemLimitBytes: Math.floor(memory * GOMEMLIMIT_SHARE),
  retentionSeconds: Math.ceil(retention / 1000),
  retentionBytes: retentionSize,
  scrapeIntervalSeconds: Math.ceil(scrapeInterval / 1000),
  alerts: readFileSync(ALERTS, "utf8")
    .replaceAll(WINDOW, `${Math.ceil(alertWindow / 1000)}s`)
    .replaceAll(DRIFT_CHECK_MAX_AGE, driftCheckMaxAge === Infinity ? "Inf" : String(Math.ceil(driftCheckMaxAge / 1000))),
}));

/** Parsed `messaging:monitoring`. */
export type MonitoringConfig = z.output<typeof monitoringSchema>;

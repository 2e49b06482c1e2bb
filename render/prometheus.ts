import type { MonitoringConfig } from "../config/monitoring";
import { lines, MANAGED_BY } from "./text";

/** A process that Prometheus scrapes. */
export interface ScrapeTarget {
  /** Name of its service, a label of every series. */
  readonly service: string;
  /** Its name where Prometheus is. */
  readonly server: string;
  readonly port: number;
  readonly metricsPath: string;
  /** Whom it says that it is, and the file with the password; undefined: nobody asks. */
  readonly password?: { readonly user: string; readonly file: string } | undefined;
}

/**
 * What Prometheus reads, by path below its directory: its config, the alert rules, and the planned cap of each service as series, which the rules compare with.
 * https://prometheus.io/docs/prometheus/2.42/configuration/configuration/
 * @param targets Prometheus itself first
 * @param capBytes planned cap of each service
 */
export function prometheusDirectory(
  { scrapeIntervalSeconds, alerts }: Pick<MonitoringConfig, "scrapeIntervalSeconds" | "alerts">,
  targets: readonly ScrapeTarget[],
  capBytes: Readonly<Record<string, number>>,
): Readonly<Record<string, string>> {
  return {
    "prometheus.yml": prometheusYaml(scrapeIntervalSeconds, targets),
    "alerts.yaml": alerts,
    "caps.yaml": capsYaml(capBytes),
  };
}

function prometheusYaml(seconds: number, targets: readonly ScrapeTarget[]): string {
  const jobs = targets.map(
    ({ service, server, port, metricsPath, password }) =>
      `  - job_name: ${service}\n` +
      `    metrics_path: ${metricsPath}\n` +
      (password === undefined ? "" : `    basic_auth: { username: ${password.user}, password_file: ${password.file} }\n`) +
      `    static_configs:\n` +
      `      - targets: ["${server}:${port}"]\n` +
      `        labels: { service: ${service} }\n`,
  );
  return (
    `# ${MANAGED_BY}\n` +
    `global:\n` +
    `  scrape_interval: ${seconds}s\n` +
    `  scrape_timeout: ${Math.min(seconds, 10)}s\n` +
    `  evaluation_interval: ${seconds}s\n` +
    `rule_files: [alerts.yaml, caps.yaml]\n` +
    `scrape_configs:\n${jobs.join("")}`
  );
}

function capsYaml(capBytes: Readonly<Record<string, number>>): string {
  const rules = lines(
    capBytes,
    (service, bytes) => `      - { record: messaging:memory_cap:bytes, expr: vector(${bytes}), labels: { service: ${service} } }`,
  );
  return `# ${MANAGED_BY}\ngroups:\n  - name: caps\n    rules:\n${rules}`;
}

/** The environment of the process as a file of assignments. */
export function prometheusEnv({ goMemLimitBytes }: Pick<MonitoringConfig, "goMemLimitBytes">): string {
  return `# ${MANAGED_BY}\n${lines({ GOMEMLIMIT: goMemLimitBytes }, (key, value) => `${key}="${value}"`)}`;
}

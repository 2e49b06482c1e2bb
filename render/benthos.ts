import type { BenthosConfig, BenthosProcess } from "../config/benthos";
import { lines, MANAGED_BY } from "./text";

/** Who the API asks for a password. */
export const API_USER = "messaging";

/** What stands for the password's hash. */
const PASSWORD_HASH = "API_PASSWORD_HASH";

/**
 * What one Benthos process reads: its own config, the shared templates and resources, its pipelines as streams and their unit tests, by path below its
 * directory.
 * @param http address that its HTTP API listens on, and whether that asks for a password
 */
export function benthosDirectory(
  benthos: Pick<BenthosConfig, "logLevel" | "shutdownTimeoutSeconds">,
  { port, files }: Pick<BenthosProcess, "port" | "files">,
  http: { readonly address?: string; readonly asksForPassword?: boolean } = {},
): Readonly<Record<string, string>> {
  const all = [
    ["benthos.yaml", benthosYaml(benthos, `${http.address ?? "127.0.0.1"}:${port}`, http.asksForPassword === true)] as const,
    ...files.shared.map(({ path, text }) => [path, text] as const),
    ...[...files.pipelines, ...files.tests].map(({ path, text }) => [`streams/${path}`, text] as const),
  ];
  return Object.fromEntries(all);
}

/** The config of the process. Metrics carry the pipeline as `stream` and the component as `label`; `path` would double the series. */
function benthosYaml(
  { logLevel, shutdownTimeoutSeconds }: Pick<BenthosConfig, "logLevel" | "shutdownTimeoutSeconds">,
  address: string,
  asksForPassword: boolean,
): string {
  const password = `  basic_auth: { enabled: true, username: ${API_USER}, password_hash: "\${${PASSWORD_HASH}}" }\n`;
  return (
    `# ${MANAGED_BY}\n` +
    `http:\n  address: ${address}\n` +
    (asksForPassword ? password : "") +
    `metrics:\n  prometheus: { add_process_metrics: true }\n  mapping: meta path = deleted()\n` +
    `logger:\n  level: ${logLevel}\n` +
    `shutdown_timeout: ${shutdownTimeoutSeconds}s\n`
  );
}

/** The environment of a process as a file of assignments: what the pipelines' `${…}` stand for, and the limit of Go's memory. */
export function benthosEnv(environment: Readonly<Record<string, string>>, goMemLimitBytes: number): string {
  return `# ${MANAGED_BY}\n${lines({ ...environment, GOMEMLIMIT: goMemLimitBytes }, (key, value) => `${key}="${value}"`)}`;
}

/** The environment that has the hash of the API's password. */
export function benthosSecretEnv(hash: string): string {
  return lines({ [PASSWORD_HASH]: hash }, (key, value) => `${key}="${value}"`);
}

/** How curl reads user and password. */
export function apiCurl(password: string): string {
  return `user = "${API_USER}:${password}"\n`;
}

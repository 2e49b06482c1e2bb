import { type HostConfig, ROOT_PREFIX } from "../config/hosts";
import { dataDir } from "../setup/paths";

/** Directories and files below the prefix of a host; `prefix` plays the part of the file system's root. */
export interface Layout {
  readonly prefix: string;
  /** Installed products, a directory each with a directory for each version. */
  readonly opt: (product: string, version: string) => string;
  /** Live config of a product. */
  readonly etc: (product: string, file: string) => string;
  /** Data of a product. */
  readonly data: (product: string) => string;
  readonly logs: string;
  readonly log: (service: string) => string;
  readonly pidFile: (service: string) => string;
  /** What the last look for drift came to, in Prometheus's text format (scripts/drift-check.sh). */
  readonly driftCheck: string;
  /** A program for the user of the host, with the settings of this stack. */
  readonly bin: (program: string) => string;
  /** Starts a service in the environment of a file. */
  readonly starter: string;
  /** Starts Pulsar after a look at how it ended. */
  readonly pulsarStarter: string;
  /** Launcher of the tasks. */
  readonly launcher: string;
}

/** The layout of a host, the same below every prefix. */
export function layout(prefix: string): Layout {
  return {
    prefix,
    opt: (product, version) => `${prefix}/opt/${product}/${version}`,
    etc: (product, file) => `${prefix}/etc/${product}/${file}`,
    data: (product) => `${prefix}/var/lib/${product}`,
    logs: `${prefix}/var/log`,
    log: (service) => `${prefix}/var/log/${service}.log`,
    pidFile: (service) => `${prefix}/run/${service}.pid`,
    driftCheck: `${prefix}/var/lib/drift-check.prom`,
    bin: (program) => `${prefix}/bin/${program}`,
    starter: `${prefix}/opt/messaging/start.sh`,
    pulsarStarter: `${prefix}/opt/messaging/pulsar-start.sh`,
    launcher: `${prefix}/opt/messaging/task.sh`,
  };
}

/** The prefix of a host: the configured one, else the user's data folder on this machine, and root's place where units of the system run what is installed, which see no home. */
export function prefixOf(config: HostConfig): string {
  const ofSystem = config.connection === "ssh" || (config.services === "systemd" && process.getuid?.() === 0);
  return config.prefix ?? (ofSystem ? ROOT_PREFIX : dataDir());
}

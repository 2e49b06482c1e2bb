import * as pulumi from "@pulumi/pulumi";
import { installBytes, neededPrograms } from "../config/footprint";
import { type ComponentName, type HostConfig, ROOT_PREFIX } from "../config/hosts";
import { artifactPin, pinnedVersions } from "../config/pins";
import { refusal } from "../config/refusal";
import { formatBytes } from "../config/units";
import { dataDir } from "../setup/paths";
import { Host } from "./host";
import { type Layout, layout } from "./layout";
import { lastKnown } from "./last-known";
import { type Listener, type Observation, observe } from "./observe";
import { chooseServices, type ServiceManager } from "./services";
import { HostGone, onHost } from "./ssh";
import { resourceName, stackKey, taskInputs, type TaskText } from "./task";

/** A port that a component wants on loopback. */
export interface WantedPort {
  readonly port: number;
  /** Config path that chooses it. */
  readonly configPath: string;
}

/** What a host is going to carry, as far as it may refuse it. */
export interface HostPlan {
  readonly components: readonly ComponentName[];
  /** Ports that its components will listen on. */
  readonly ports: readonly WantedPort[];
  /** Sum of the components' memory caps in bytes. */
  readonly plannedBytes: number;
  /** Tasks that the host may refuse, because messages would be lost or there is no room for them. */
  readonly guarded: (layout: Layout) => readonly TaskText[];
  /** Objects that may lose messages. */
  readonly allowDataLoss: readonly string[];
}

/**
 * Observes a host and declares it. One that is gone is declared as it was last known, with a warning, and nothing is done to it.
 * @throws pulumi.RunError when another stack lives in the prefix, a stranger holds a port, the host lacks memory, disk or programs, its address is another
 * than before, or a change would lose messages without consent, before anything is changed
 */
export async function openHost(key: string, config: HostConfig, plan: HostPlan): Promise<Host> {
  const paths = layout(config.prefix ?? (config.connection === "local" ? dataDir() : ROOT_PREFIX));
  let observation: Observation;
  try {
    observation = await onHost(config, (run) =>
      observe(run, {
        prefix: paths.prefix,
        stack: stackKey(),
        ports: plan.ports.map(({ port }) => port),
        guarded: plan.guarded(paths).map((task) => ({ resource: resourceName(key, task), inputs: taskInputs(key, paths.prefix, task) })),
        ...(config.connection === "local" ? {} : { source: officialSource() }),
      }),
    );
  } catch (error) {
    if (error instanceof HostGone) return goneHost(key, config, paths, error);
    throw refusal(`host ${key} cannot be observed`, [error instanceof Error ? error.message : String(error)]);
  }
  const services = chooseServices(config, observation, `messaging:hosts.${key}`);
  const problems = [
    ...foreignStack(key, paths.prefix, observation),
    ...heldPorts(key, plan.ports, observation),
    ...tooLittleMemory(key, plan.plannedBytes, observation),
    ...tooLittleDisk(key, paths.prefix, plan.components, observation),
    ...("problem" in services ? [services.problem] : missingPrograms(key, config, plan.components, services.manager, observation)),
    ...(await moved(key, config, observation)),
    ...unconsented(observation.refusals, plan.allowDataLoss),
  ];
  if (problems.length > 0 || "problem" in services) throw refusal(`host ${key} cannot carry this stack`, problems);
  return new Host({ key, config, layout: paths, observation, services: services.manager });
}

/** A host that does not answer: its tasks stay declared as they are, so that the other hosts can be worked on. */
async function goneHost(key: string, config: HostConfig, paths: Layout, gone: HostGone): Promise<Host> {
  const known = await lastKnown(key);
  if (known === undefined) throw refusal(`host ${key} cannot be reached`, [`messaging:hosts.${key}.host: ${gone.message}`]);
  void pulumi.log.warn(
    `host ${key} cannot be reached, nothing is done to it: ${gone.message}. If it is gone for good: npm run forget -- ${key}`,
  );
  return new Host({ key, config, layout: paths, observation: known.observation, services: known.services, gone: true });
}

/** A host that has nothing of ours, although the stack was deployed to one of this key at another address: two hosts, not one. */
async function moved(key: string, config: HostConfig, { stack }: Observation): Promise<string[]> {
  if (config.connection === "local" || stack !== undefined) return [];
  const known = await lastKnown(key);
  const address = `${config.host}:${config.port}`;
  if (known?.address === undefined || known.address === address) return [];
  return [
    `messaging:hosts.${key}.host: the stack was deployed to ${known.address}, and ${address} has nothing of it; allowed: the old address until \`npm run destroy\` has ` +
      `cleaned up there, another key for the new host, or, when the old one is gone for good, \`npm run forget -- ${key}\` first`,
  ];
}

/** A file whose source stands for all official ones. */
function officialSource(): string {
  return artifactPin("gojq", pinnedVersions("gojq")[0], "linux-amd64").sources.find(({ url }) => url !== undefined)?.url ?? "";
}

/** The refusals that the config does not answer; a host knows the consents of the last up only. */
function unconsented(refusals: readonly string[], allowDataLoss: readonly string[]): string[] {
  return refusals.filter((line) => !allowDataLoss.some((object) => line.includes(`add "${object}" to messaging:allowDataLoss`)));
}

function foreignStack(key: string, prefix: string, { stack }: Observation): string[] {
  if (stack === undefined || stack === stackKey()) return [];
  return [`messaging:hosts.${key}.prefix: ${prefix} carries stack ${stack}; allowed: a prefix of its own for each stack`];
}

function heldPorts(key: string, ports: readonly WantedPort[], { listeners, ownPids }: Observation): string[] {
  const strangers = listeners.filter(({ pid }) => pid === undefined || !ownPids.has(pid));
  return ports.flatMap(({ port, configPath }) =>
    strangers
      .filter((listener) => listener.port === port)
      .map((listener) => `${configPath}: port ${port} on host ${key} is held by ${holder(listener)}; stop it or choose another port here`),
  );
}

function tooLittleMemory(key: string, plannedBytes: number, { memoryBytes }: Observation): string[] {
  if (plannedBytes <= memoryBytes) return [];
  return [`messaging:ramBudget: the components are planned with ${formatBytes(plannedBytes)}, host ${key} has ${formatBytes(memoryBytes)}`];
}

/** Room is asked for before the first installation only: afterwards most of it is used by what was asked for. */
function tooLittleDisk(key: string, prefix: string, components: readonly ComponentName[], { diskBytes, stack }: Observation): string[] {
  const needed = installBytes(components);
  if (stack !== undefined || needed <= diskBytes) return [];
  return [
    `messaging:hosts.${key}.prefix: installing takes ${formatBytes(needed)}, ${prefix} on host ${key} has ${formatBytes(diskBytes)} free; allowed: a prefix with room`,
  ];
}

function missingPrograms(
  key: string,
  config: HostConfig,
  components: readonly ComponentName[],
  manager: ServiceManager,
  { programs }: Observation,
): string[] {
  const missing = neededPrograms(components).filter((program) => !programs.has(program));
  if (!programs.has("curl") && !programs.has("wget")) missing.push("curl or wget");
  if (manager === "supervisord" && !programs.has("python3")) missing.push("python3 (for supervisord)");
  if (manager === "systemd" && !programs.has("systemd-sysusers") && !programs.has("useradd")) missing.push("systemd-sysusers or useradd");
  if (missing.length === 0) return [];
  const where = config.connection === "local" ? "" : ` on ${config.host}`;
  return [`messaging:hosts.${key}: missing${where}: ${[...new Set(missing)].join(", ")}; install it there first`];
}

function holder({ pid, command }: Listener): string {
  return pid === undefined ? command : `${command} (pid ${pid})`;
}

import * as pulumi from "@pulumi/pulumi";
import { installBytes, neededPrograms } from "../config/footprint";
import { type ComponentName, dockerOf, type HostConfig } from "../config/hosts";
import { artifactPin, pinnedVersions } from "../config/pins";
import { refusal } from "../config/refusal";
import type { WantedPort } from "../config/ports";
import { formatBytes } from "../config/units";
import { platform } from "../setup/paths";
import type { ConnectedHost } from "./connect";
import { type Budget, Host, type HostArgs } from "./host";
import { type Layout, layout, prefixOf } from "./layout";
import { lastKnown, lastPrefix } from "./last-known";
import { beingChanged } from "./lock";
import { type FoundServer, type Listener, type Observation, observe, parseObservation, unobserved } from "./observe";
import { chooseServices, type ServiceManager, uncapped } from "./services";
import { HostGone } from "./ssh";
import { resourceName, stackKey, taskInputs, type TaskText } from "./task";

/** What a host is going to carry, as far as it may refuse it. */
export interface HostPlan {
  readonly components: readonly ComponentName[];
  /** Ports that its components will listen on. */
  readonly ports: readonly WantedPort[];
  /** Sum of the components' memory caps in bytes. */
  readonly plannedBytes: number;
  readonly budget: Budget;
  /** Where its components store what grows, besides below the prefix. */
  readonly directories: readonly (string | undefined)[];
  /** By product where its data is, in the order of FoundServer: what a server that is adopted has to have. */
  readonly data: (
    layout: Layout,
  ) => Readonly<Partial<Record<FoundServer["product"], readonly { readonly value: string; readonly configPath: string }[]>>>;
  /** Tasks that the host may refuse, because messages would be lost or there is no room for them. */
  readonly guarded: (layout: Layout) => readonly TaskText[];
  /** What is wrong with what the host would get, as far as this machine can tell, a line each. */
  readonly check: (layout: Layout) => Promise<readonly string[]>;
  /** Objects that may lose messages. */
  readonly allowDataLoss: readonly string[];
}

/** A host of the config and what it is going to carry. */
export interface PlannedHost {
  readonly key: string;
  readonly config: HostConfig;
  /** Undefined: the host is not looked at; a preview shows what the state knows, and no drift. */
  readonly connected: ConnectedHost | undefined;
  readonly plan: HostPlan;
}

/**
 * Observes hosts, all of them before anything is declared on one, and declares them. One that is gone is declared as it was last known, with a warning, and
 * nothing is done to it.
 * @returns the hosts in the given order
 * @throws pulumi.RunError with every reason: a host cannot be observed, another stack lives in its prefix, a stranger holds a port, it lacks memory, disk or
 * programs, its address is another than before, or a change would lose messages without consent
 */
export async function openHosts(planned: readonly PlannedHost[]): Promise<Host[]> {
  const observed = await Promise.all(planned.map(observeHost));
  const refused = observed.filter(({ problems }) => problems.length > 0);
  const [first] = refused;
  if (first !== undefined) {
    const headline =
      refused.length === 1
        ? `host ${first.key} ${first.headline}`
        : `hosts ${refused.map(({ key }) => key).join(", ")} cannot carry this stack`;
    throw refusal(
      headline,
      refused.flatMap(({ problems }) => problems),
    );
  }
  return observed.map(({ host }) => new Host(host));
}

/** Of a host that was not looked at because it is refused anyway. */
const UNKNOWN = { observation: parseObservation(""), services: "supervisord" } as const;

/** What came of looking at a host. */
type Observed = { readonly key: string; readonly headline: string; readonly problems: readonly string[]; readonly host: HostArgs };

async function observeHost({ key, config, connected, plan }: PlannedHost): Promise<Observed> {
  const paths = layout(prefixOf(config));
  const host = { key, config, layout: paths, budget: plan.budget };
  const unknown = { ...host, ...UNKNOWN };
  const holder = await connected?.holder;
  if (holder !== undefined)
    return { key, headline: "cannot be changed now", problems: [`messaging:hosts.${key}: ${beingChanged(holder)}`], host: unknown };
  const checked = plan.check(paths);
  if (connected === undefined)
    return { key, headline: "cannot carry this stack", problems: await checked, host: { ...host, ...(await notLookedAt(key, config)) } };
  let observation: Observation;
  try {
    observation = await connected.connection.use((run) =>
      observe(run, {
        prefix: paths.prefix,
        stack: stackKey(),
        ports: plan.ports.map(({ port }) => port),
        directories: [paths.prefix, ...plan.directories.filter((path) => path !== undefined)],
        guarded: plan.guarded(paths).map((task) => ({
          resources: [task, ...(task.earlier ?? []).map((name) => ({ name }))].map((each) => resourceName(key, each)),
          inputs: taskInputs(key, paths.prefix, task),
        })),
        ...(config.connection === "local" ? {} : { source: officialSource() }),
        ...(config.services === "docker" ? { engine: dockerOf(config).engine } : {}),
      }),
    );
  } catch (error) {
    if (!(error instanceof HostGone)) {
      return { key, headline: "cannot be observed", problems: [error instanceof Error ? error.message : String(error)], host: unknown };
    }
    const known = await lastKnown(key);
    if (known === undefined) {
      return { key, headline: "cannot be reached", problems: [`messaging:hosts.${key}.host: ${error.message}`], host: unknown };
    }
    void pulumi.log.warn(
      `host ${key} cannot be reached, nothing is done to it: ${error.message}. If it is gone for good: npm run forget -- ${key}`,
    );
    return { key, headline: "", problems: [], host: { ...host, observation: known.observation, services: known.services, gone: true } };
  }
  const { unmanaged } = observation;
  if (unmanaged.length > 0 && pulumi.runtime.isDryRun()) {
    void pulumi.log.info(
      `host ${key} has what this stack does not manage; it is left alone:\n${unmanaged.map((line) => `  ${line}\n`).join("")}`,
    );
  }
  const services = chooseServices(config, observation, `messaging:hosts.${key}`);
  const problems = [
    ...(await checked),
    ...foreignStack(key, paths.prefix, observation),
    ...heldPorts(key, config, plan, paths, observation),
    ...startedByOthers(key, config, plan, observation),
    ...tooLittleMemory(key, plan, observation),
    ...tooLittleDisk(key, paths.prefix, plan.components, observation),
    ...("problem" in services ? [] : hiddenPrefix(key, paths.prefix, services.manager)),
    ...("problem" in services ? [services.problem] : missingPrograms(key, config, plan.components, services.manager, observation)),
    ...(await moved(key, config, observation)),
    ...unconsented(observation.refusals, plan.allowDataLoss),
  ];
  const manager = "problem" in services ? unknown.services : services.manager;
  const weaker = uncapped(manager, observation);
  if (weaker !== undefined && pulumi.runtime.isDryRun()) void pulumi.log.warn(`host ${key}: ${weaker}`);
  return { key, headline: "cannot carry this stack", problems, host: { ...host, observation, services: manager } };
}

/** A host that nobody looks at, as the last up knew it. */
async function notLookedAt(key: string, config: HostConfig): Promise<Pick<HostArgs, "observation" | "services">> {
  void pulumi.log.warn(`host ${key} is not looked at (messaging:observe: false): no drift is shown, nothing refused`);
  const known = config.connection === "local" ? undefined : await lastKnown(key);
  if (known !== undefined) return { observation: { ...known.observation, observed: false }, services: known.services };
  const usual = config.connection === "local" ? "supervisord" : "systemd";
  return { observation: unobserved(platform()), services: config.services === "auto" ? usual : config.services };
}

/** A host, or a prefix, that has nothing of ours, although the stack was deployed to one of this key at another place: two, not one. */
async function moved(key: string, config: HostConfig, { stack }: Observation): Promise<string[]> {
  if (stack !== undefined) return [];
  const [prefix, last] = [prefixOf(config), await lastPrefix(key)];
  const elsewhere = last === undefined || last === prefix;
  const problem =
    `messaging:hosts.${key}.prefix: the stack was deployed into ${last}, and ${prefix} has nothing of it; allowed: the old prefix until \`npm run destroy\` has ` +
    "cleaned up there; it keeps data, which can then be moved";
  return [...(await movedAway(key, config)), ...(elsewhere ? [] : [problem])];
}

/** The same for the address of a host. */
async function movedAway(key: string, config: HostConfig): Promise<string[]> {
  if (config.connection === "local") return [];
  const known = await lastKnown(key);
  const address = `${config.host}:${config.port}`;
  if (known?.address === undefined || known.address === address) return [];
  return [
    `messaging:hosts.${key}.host: the stack was deployed to ${known.address}, and ${address} has nothing of it; allowed: the old address until \`npm run destroy\` has ` +
      `cleaned up there, another key for the new host, or, when the old one is gone for good, \`npm run forget -- ${key}\` first`,
  ];
}

/** Units of the system are kept from everybody's home, and so from what is installed there. */
function hiddenPrefix(key: string, prefix: string, manager: ServiceManager): string[] {
  if (manager !== "systemd" || !/^\/(home|root|run\/user)\//.test(`${prefix}/`)) return [];
  return [
    `messaging:hosts.${key}.prefix: got "${prefix}"; allowed: a directory outside of /home and /root, which units of the system do not see`,
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

/** What keeps a port from being ours, with what could be done about it. */
function heldPorts(key: string, { adopt }: HostConfig, { ports, data }: HostPlan, paths: Layout, observation: Observation): string[] {
  const { listeners, ownPids, ownPorts, servers } = observation;
  const strangers = listeners.filter(({ port, pid }) => !ownPorts.has(port) && (pid === undefined || !ownPids.has(pid)));
  const adopted = new Set<number | undefined>();
  const problems: string[] = [];
  for (const { port, configPath } of ports) {
    for (const listener of strangers.filter((each) => each.port === port && !adopted.has(each.pid))) {
      const server = servers.find((each) => each.port === port);
      const wanted = server && data(paths)[server.product];
      if (server === undefined || wanted === undefined) {
        problems.push(
          `messaging:${configPath}: port ${port} on host ${key} is held by ${holder(listener)}; stop it or choose another port here`,
        );
        continue;
      }
      // Its other ports are held by the same process.
      adopted.add(listener.pid);
      const what = `the ${server.product} on port ${port} (pid ${listener.pid ?? "unknown"}, kept alive by ${server.manager})`;
      const ends = server.manager === "nothing" ? "ends it" : "stops and disables its service";
      const takes = `${ends}, keeps a copy of what describes it in ${paths.prefix}/var/lib/messaging/adopted, and serves its data, untouched, from ${place(server.data[0])}`;
      const elsewhere = wanted.filter(({ value }, index) => value !== server.data[index]);
      if (adopt !== true) {
        problems.push(
          `messaging:${configPath}: ${what} is not this stack's; messaging:hosts.${key}.adopt: true ${takes}; or stop it, or choose another port here`,
        );
      } else if (elsewhere.length > 0) {
        for (const each of elsewhere) {
          const allowed = place(server.data[wanted.indexOf(each)]);
          problems.push(`messaging:${each.configPath}: got ${each.value}; allowed: ${allowed}, as ${what} that is to be adopted has it`);
        }
      } else void pulumi.log.info(`host ${key}: adopting ${what}: ${takes}`);
    }
  }
  return problems;
}

/** A Pulsar of an earlier way of setting it up that would come back with the next login or boot, beside ours. */
function startedByOthers(key: string, { adopt }: HostConfig, { components }: HostPlan, { earlier }: Observation): string[] {
  if (adopt === true || !components.includes("pulsar")) return [];
  return earlier.map(
    ({ plist, prefix }) =>
      `messaging:hosts.${key}.adopt: ${plist} starts the Pulsar in ${place(prefix)} at the next login or boot; true takes it over: copies the property list and removes it, and leaves the data alone`,
  );
}

/** What a server that was found says of itself. */
function place(told: string | undefined): string {
  return told === undefined || told === "" ? "what its command line does not tell" : told;
}

function tooLittleMemory(key: string, { plannedBytes, budget }: HostPlan, { memoryBytes }: Observation): string[] {
  if (!(plannedBytes + budget.ramReserveBytes > memoryBytes)) return [];
  const plan = `the components are planned with ${formatBytes(plannedBytes)}, messaging:ramReserve keeps ${formatBytes(budget.ramReserveBytes)}`;
  return [`messaging:ramBudget: ${plan}, host ${key} has ${formatBytes(memoryBytes)}`];
}

/** Room is asked for before the first installation only: afterwards most of it is used by what was asked for. */
function tooLittleDisk(key: string, prefix: string, components: readonly ComponentName[], { fileSystems, stack }: Observation): string[] {
  const needed = installBytes(components);
  // The first that was asked about is that of the prefix.
  const free = fileSystems[0]?.availableBytes;
  if (stack !== undefined || free === undefined || needed <= free) return [];
  return [
    `messaging:hosts.${key}.prefix: installing takes ${formatBytes(needed)}, ${prefix} on host ${key} has ${formatBytes(free)} free; allowed: a prefix with room`,
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

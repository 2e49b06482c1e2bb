import * as pulumi from "@pulumi/pulumi";
import type { HostConfig } from "../config/hosts";
import type { WantedPort } from "../config/ports";
import { refusal } from "../config/refusal";
import { formatBytes } from "../config/units";
import { dataDir, platform } from "../setup/paths";
import { type Budget, Host } from "./host";
import { type Layout, layout } from "./layout";
import { type Listener, type Observation, observeLocal, unobserved } from "./observe";
import { resourceName, stackKey, taskInputs, type TaskText } from "./task";

/** What a host is going to carry, as far as it may refuse it. */
export interface HostPlan {
  /** Ports that its components will listen on. */
  readonly ports: readonly WantedPort[];
  /** Sum of the components' memory caps in bytes. */
  readonly plannedBytes: number;
  readonly budget: Budget;
  /** Look at the host? Where it cannot be reached, a preview shows what the state knows, and no drift. */
  readonly observe: boolean;
  /** Where its components store what grows, besides below the prefix. */
  readonly directories: readonly (string | undefined)[];
  /** Tasks that the host may refuse, because messages would be lost or there is no room for them. */
  readonly guarded: (layout: Layout) => readonly TaskText[];
  /** What is wrong with what the host would get, as far as this machine can tell, a line each. */
  readonly check: (layout: Layout) => Promise<readonly string[]>;
  /** Objects that may lose messages. */
  readonly allowDataLoss: readonly string[];
}

/**
 * Observes a host and declares it.
 * @throws pulumi.RunError when another stack lives in the prefix, a stranger holds a port, the host has less memory than planned, or a change would
 * lose messages without consent, before anything is changed
 */
export async function openHost(key: string, config: HostConfig, plan: HostPlan): Promise<Host> {
  const paths = layout(config.prefix ?? dataDir());
  const [observation, found] = await Promise.all([observe(key, paths, plan), plan.check(paths)]);
  const problems = [
    ...found,
    ...foreignStack(key, paths.prefix, observation),
    ...heldPorts(key, plan.ports, observation),
    ...tooLittleMemory(key, plan, observation),
    ...unconsented(observation.refusals, plan.allowDataLoss),
  ];
  if (problems.length > 0) throw refusal(`host ${key} cannot carry this stack`, problems);
  const host = new Host({ key, layout: paths, observation, budget: plan.budget });
  if (!plan.observe)
    void pulumi.log.warn(`host ${key} is not looked at (messaging:observe: false): no drift is shown, nothing refused`, host);
  return host;
}

async function observe(key: string, paths: Layout, plan: HostPlan): Promise<Observation> {
  if (!plan.observe) return unobserved(platform());
  return observeLocal(paths.prefix, stackKey(), {
    ports: plan.ports.map(({ port }) => port),
    directories: [paths.prefix, ...plan.directories.filter((path) => path !== undefined)],
    guarded: plan.guarded(paths).map((task) => ({
      resources: [task, ...(task.earlier ?? []).map((name) => ({ name }))].map((each) => resourceName(key, each)),
      inputs: taskInputs(key, paths.prefix, task),
    })),
  }).catch((error: unknown) => {
    throw refusal(`host ${key} cannot be observed`, [error instanceof Error ? error.message : String(error)]);
  });
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
      .map(
        (listener) =>
          `messaging:${configPath}: port ${port} on host ${key} is held by ${holder(listener)}; stop it or choose another port here`,
      ),
  );
}

function tooLittleMemory(key: string, { plannedBytes, budget }: HostPlan, { memoryBytes }: Observation): string[] {
  if (!(plannedBytes + budget.ramReserveBytes > memoryBytes)) return [];
  const plan = `the components are planned with ${formatBytes(plannedBytes)}, messaging:ramReserve keeps ${formatBytes(budget.ramReserveBytes)}`;
  return [`messaging:ramBudget: ${plan}, host ${key} has ${formatBytes(memoryBytes)}`];
}

function holder({ pid, command }: Listener): string {
  return pid === undefined ? command : `${command} (pid ${pid})`;
}

import type { HostConfig } from "../config/hosts";
import { refusal } from "../config/refusal";
import { dataDir } from "../setup/paths";
import { Host, stackKey } from "./host";
import { layout } from "./layout";
import { type Listener, type Observation, observeLocal } from "./observe";

/** A port that a component wants on loopback. */
export interface WantedPort {
  readonly port: number;
  /** Config path that chooses it. */
  readonly configPath: string;
}

/**
 * Observes a host and declares it.
 * @param ports ports that its components will listen on
 * @throws pulumi.RunError when another stack lives in the prefix or a stranger holds a port, before anything is changed
 */
export async function openHost(key: string, config: HostConfig, ports: readonly WantedPort[]): Promise<Host> {
  const paths = layout(config.prefix ?? dataDir());
  const observation = await observeLocal(
    paths.prefix,
    stackKey(),
    ports.map(({ port }) => port),
  );
  const problems = [...foreignStack(key, paths.prefix, observation), ...heldPorts(key, ports, observation)];
  if (problems.length > 0) throw refusal(`host ${key} cannot carry this stack`, problems);
  return new Host({ key, layout: paths, observation });
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

function holder({ pid, command }: Listener): string {
  return pid === undefined ? command : `${command} (pid ${pid})`;
}

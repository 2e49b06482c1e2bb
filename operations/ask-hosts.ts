import { HostGone } from "../hosts/ssh";
import { messageOf } from "./program";
import { type DeployedHost, deployedHosts } from "./stack-state";

/** What the hosts of the stack answered. */
export interface Answers<T> {
  /** By host key, of those that answered. */
  readonly answers: ReadonlyMap<string, T>;
  /** Why each of the others did not, a line each that names it. */
  readonly silent: readonly string[];
}

/**
 * Asks hosts of the stack, side by side: one that does not answer keeps back nobody else's answer.
 * @param hosts every host without
 * @throws Error when the state cannot be read
 */
export async function askHosts<T>(
  ask: (host: DeployedHost) => Promise<T>,
  hosts: readonly DeployedHost[] = deployedHosts(),
): Promise<Answers<T>> {
  const outcomes = await Promise.allSettled(hosts.map(ask));
  const answers = new Map<string, T>();
  const silent: string[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const key = hosts[index]?.key ?? "";
    if (outcome.status === "fulfilled") answers.set(key, outcome.value);
    else silent.push(`host ${key} ${reason(outcome.reason)}`);
  }
  return { answers, silent };
}

function reason(error: unknown): string {
  const message = messageOf(error);
  return error instanceof HostGone ? `cannot be reached: ${message}` : `cannot be asked: ${message}`;
}

import { type HeldLock, lock } from "../hosts/lock";
import { observe } from "../hosts/observe";
import { scriptText } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { runForeground } from "../setup/processes";
import { endWith } from "./program";
import { type DeployedHost, deployedHosts, STACK } from "./stack-state";

/** The option that takes the data along; all others are for the CLI. */
const PURGE = "--purge-data";

const stack = `messaging/${STACK}`;

/** Says on a host whether removals take its data with them. @returns the directories that will go, with their size */
async function consent({ config, prefix }: DeployedHost, answer: "yes" | "no"): Promise<string> {
  return onHost(config, (run) => run(scriptText("purge.sh"), [prefix, stack, answer]));
}

/**
 * Why the data of a host must not be removed, a line each: a purge takes whole directories, and what is in them may be somebody else's, or untold because a
 * server does not answer.
 */
async function objections({ key, config, prefix, tasks }: DeployedHost): Promise<string[]> {
  const observed = await onHost(config, (run) => observe(run, { prefix, stack, ports: [] }));
  const silent = tasks.filter((task) => /-service$/.test(task) && (observed.tasks.get(task)?.differences.length ?? 1) > 0);
  return [
    ...observed.unmanaged.map((line) => `host ${key}: ${line} is not managed by this stack; remove or declare it first`),
    ...silent.map((task) => `host ${key}: ${task} is not as it was applied, and what it holds cannot be told; run npm run up first`),
  ];
}

/** Consents on all hosts. @throws Error with every objection */
async function purge(hosts: readonly DeployedHost[]): Promise<void> {
  const objected = (await Promise.all(hosts.map(objections))).flat();
  if (objected.length > 0) throw new Error(`${PURGE} is refused, nothing was changed:\n${objected.map((line) => `  ${line}\n`).join("")}`);
  for (const host of hosts) {
    const directories = await consent(host, "yes");
    if (directories !== "") console.log(`host ${host.key}: with all data in\n${directories.replace(/^/gm, "  ").trimEnd()}`);
  }
}

/** Destroys the stack, with its hosts locked against other runs. @returns the exit code of the CLI */
async function destroy(options: readonly string[]): Promise<number> {
  const hosts = deployedHosts();
  const args = options.filter((option) => option !== PURGE);
  const purges = args.length < options.length;
  if (purges && hosts.length === 0) {
    throw new Error(`${PURGE}: nothing is deployed. What an earlier destroy kept can be taken over by npm run up and then be purged`);
  }
  const locks: HeldLock[] = [];
  try {
    for (const { key, config, prefix } of hosts) {
      const held = await lock(config, { prefix, stack }).catch((error: unknown) => {
        throw new Error(`host ${key}: ${error instanceof Error ? error.message : String(error)}`);
      });
      if (held !== undefined) locks.push(held);
    }
    if (purges) await purge(hosts);
    const code = await runForeground("pulumi", ["destroy", ...args]);
    if (!purges && code === 0) hosts.forEach(sayWhereKept);
    return code;
  } finally {
    if (purges) await Promise.allSettled(hosts.map((host) => consent(host, "no")));
    await Promise.all(locks.map((held) => held.release()));
  }
}

function sayWhereKept({ key, prefix }: DeployedHost): void {
  console.log(`host ${key}: what was kept stands in ${prefix}/var/lib/messaging/kept; the next up serves it again`);
}

endWith(destroy(process.argv.slice(2)));

import { execFileSync } from "node:child_process";
import type { HostConfig } from "../config/hosts";
import { type StoredConnection, storedHost } from "../hosts/ssh";

/** A host of the stack as the state has it. */
export interface DeployedHost {
  readonly key: string;
  /** How it was reached. */
  readonly config: HostConfig;
  readonly prefix: string;
  /** Bytes that each component is planned with. */
  readonly byComponent: Readonly<Record<string, number>>;
  /** `cgroup` where the caps are enforced, else `runtime`. */
  readonly enforcement: string;
  /** Names of the tasks that were applied to it. */
  readonly tasks: readonly string[];
}

interface State {
  readonly deployment: { readonly resources?: readonly Resource[] };
}

interface Resource {
  readonly type: string;
  readonly urn: string;
  readonly inputs?: { readonly connection?: { readonly plaintext: string }; readonly create?: string };
  readonly outputs?: { readonly hosts?: Readonly<Record<string, HostOutputs>> };
}

interface HostOutputs {
  readonly paths: { readonly prefix: string };
  readonly ram: { readonly byComponent: Readonly<Record<string, number>>; readonly enforcement: string };
}

/** The stack that the environment selects. */
export const STACK = process.env["PULUMI_STACK"] ?? "dev";

/**
 * What the stack has on its hosts, read from the state.
 * @throws Error when the CLI cannot export the stack
 */
export function deployedHosts(): DeployedHost[] {
  // Private keys are among the secrets: they stay in memory.
  const exported = execFileSync("pulumi", ["stack", "export", "--show-secrets", "--stack", STACK, "--non-interactive"], {
    encoding: "utf8",
    maxBuffer: 256 * 2 ** 20,
  });
  const { resources = [] } = (JSON.parse(exported) as State).deployment;
  const hosts = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.hosts ?? {};
  const tasks = resources.filter(({ type }) => /^command:(local|remote):Command$/.test(type));
  return Object.entries(hosts).map(([key, { paths, ram }]) => ({
    key,
    config: configOf(tasks.find((task) => nameOf(task) === `${key}-scripts`)),
    prefix: paths.prefix,
    byComponent: ram.byComponent,
    enforcement: ram.enforcement,
    tasks: tasks.map(nameOf).filter((task) => task.startsWith(`${key}-`)),
  }));
}

function nameOf({ urn }: Resource): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** The host of a task, as its resource reaches it. */
function configOf(task: Resource | undefined): HostConfig {
  const connection = task?.inputs?.connection;
  if (connection === undefined) return { connection: "local", services: "auto" };
  return storedHost(JSON.parse(connection.plaintext) as StoredConnection, task?.inputs?.create?.startsWith("sudo ") === true);
}

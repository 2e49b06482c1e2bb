import { execFileSync } from "node:child_process";
import type { HostConfig } from "../config/hosts";
import { type StoredConnection, storedHost } from "../hosts/ssh";
import type { PolicyResource } from "@pulumi/policy";

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
  readonly parent?: string;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly inputs?: { readonly connection?: { readonly plaintext: string }; readonly create?: string };
}

interface HostOutputs {
  readonly paths: { readonly prefix: string };
  readonly ram: { readonly byComponent: Readonly<Record<string, number>>; readonly enforcement: string };
}

/** The stack that the environment selects. */
export const STACK = process.env["PULUMI_STACK"] ?? "dev";

/** Key of its ledgers on hosts. */
export const LEDGER = `messaging/${STACK}`;

/**
 * The resources of the stack, read from the state.
 * @throws Error when the CLI cannot export the stack
 */
function exported(...options: readonly string[]): readonly Resource[] {
  const state = execFileSync("pulumi", ["stack", "export", ...options, "--stack", STACK, "--non-interactive"], {
    encoding: "utf8",
    maxBuffer: 256 * 2 ** 20,
  });
  return (JSON.parse(state) as State).deployment.resources ?? [];
}

/** The resources of the stack as policies see them, without what no plan needs. @throws Error as deployedHosts does */
export function stackResources(): PolicyResource[] {
  const resources = new Map<string, PolicyResource>();
  for (const { type, urn, parent, outputs = {} } of exported()) {
    const above = parent === undefined ? undefined : resources.get(parent);
    const resource = { type, urn, name: nameOf({ urn }), props: outputs, ...(above === undefined ? {} : { parent: above }) };
    resources.set(urn, resource as PolicyResource);
  }
  return [...resources.values()];
}

/**
 * What the stack has on its hosts, read from the state.
 * @throws Error when the CLI cannot export the stack
 */
export function deployedHosts(): DeployedHost[] {
  // Private keys are among the secrets: they stay in memory.
  const resources = exported("--show-secrets");
  const outputs = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs;
  const hosts = (outputs?.["hosts"] ?? {}) as Readonly<Record<string, HostOutputs>>;
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

/** The last part of its URN. */
function nameOf({ urn }: Pick<Resource, "urn">): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** The host of a task, as its resource reaches it. */
function configOf(task: Resource | undefined): HostConfig {
  const connection = task?.inputs?.connection;
  if (connection === undefined) return { connection: "local", services: "auto" };
  return storedHost(JSON.parse(connection.plaintext) as StoredConnection, task?.inputs?.create?.startsWith("sudo ") === true);
}

import { execFileSync } from "node:child_process";

/** A host of the stack as the state has it. */
export interface DeployedHost {
  readonly key: string;
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
  const exported = execFileSync("pulumi", ["stack", "export", "--stack", STACK, "--non-interactive"], {
    encoding: "utf8",
    maxBuffer: 256 * 2 ** 20,
  });
  const { resources = [] } = (JSON.parse(exported) as State).deployment;
  const hosts = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs?.hosts ?? {};
  const tasks = resources.filter(({ type }) => type === "command:local:Command").map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2));
  return Object.entries(hosts).map(([key, { paths, ram }]) => ({
    key,
    prefix: paths.prefix,
    byComponent: ram.byComponent,
    enforcement: ram.enforcement,
    tasks: tasks.filter((task) => task.startsWith(`${key}-`)),
  }));
}

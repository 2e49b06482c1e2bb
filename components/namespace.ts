import * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import { declareNamespace, type NamespaceTasks } from "../tasks/namespaces";

export { type NamespaceTasks, namespaceTasks } from "../tasks/namespaces";

/** What a namespace needs. */
export interface NamespaceArgs {
  readonly host: Host;
  /** What `namespaceTasks` made of its config. */
  readonly tasks: NamespaceTasks;
  /** Its tenant, and what comes first besides. */
  readonly after: readonly Task[];
}

/** A Pulsar namespace with its policies, its permissions and its declared topics. */
export class Namespace extends pulumi.ComponentResource {
  /** `tenant/namespace`, known when the namespace is as declared. */
  readonly name: pulumi.Output<string>;
  /** The tasks that make it so. */
  readonly applied: readonly Task[];

  constructor(args: NamespaceArgs, options?: pulumi.ComponentResourceOptions) {
    const { host, tasks } = args;
    super("messaging:index:Namespace", `${host.key}-namespace-${tasks.name.replace("/", ".")}`, {}, options);
    this.applied = declareNamespace(host, this, args);
    this.name = pulumi.all(this.applied.map(({ resource }) => resource.urn)).apply(() => tasks.name);
    this.registerOutputs({ name: tasks.name, ...namespaceFigures(tasks.config) });
  }
}

/** What policies read: plain data. A partition counts as a topic; its memory is the broker's. */
function namespaceFigures({ retention, backlogQuota, topics }: NamespaceTasks["config"]) {
  const partitions = Object.values(topics).reduce((sum, topic) => sum + Math.max(1, topic.partitions), 0);
  return { memoryBytes: 0, retention, backlogQuota, topics: Math.max(1, partitions) };
}

/**
 * Declares namespaces, each after its tenant.
 * @param args.tasks what `namespaceTasks` made of the config
 * @param args.service the Pulsar that holds them
 * @param args.after what comes first besides: the JSON reader of the scripts and the consents
 * @returns their names, known when they are as declared, and the tasks that make them so
 */
export function declareNamespaces(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly tasks: readonly NamespaceTasks[]; readonly service: Task; readonly after: readonly Task[] },
): { readonly names: pulumi.Output<string[]>; readonly applied: readonly Task[] } {
  const tenants = new Map<string, Task>();
  const namespaces = args.tasks.map((tasks) => {
    const tenant = tenants.get(tasks.tenant.name) ?? host.run(parent, { ...tasks.tenant, after: [args.service, ...args.after] });
    tenants.set(tasks.tenant.name, tenant);
    return new Namespace({ host, tasks, after: [tenant] }, { parent });
  });
  return { names: pulumi.all(namespaces.map(({ name }) => name)), applied: namespaces.flatMap(({ applied }) => applied) };
}

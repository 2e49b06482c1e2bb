import * as pulumi from "@pulumi/pulumi";
import type { NamespaceConfig } from "../config/namespaces";
import type { PulsarConfig } from "../config/pulsar";
import type { Host, Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import type { TaskText } from "../hosts/task";
import { applyNamespaces, type DeclaredNamespace, declaredNamespaces, namespacesTask } from "../tasks/namespaces";
import { namespaceOffloadDriver, pulsarAdminUrl } from "./pulsar-standalone";

/** What a namespace needs. */
export interface NamespaceArgs {
  readonly host: Host;
  readonly namespace: DeclaredNamespace;
  /** The task that applies it together with all others of its server. */
  readonly applied: Task;
}

/** A Pulsar namespace with its policies, its permissions and its declared topics; a preview shows which of them change. */
export class Namespace extends pulumi.ComponentResource {
  /** `tenant/namespace`, known when the namespace is as declared. */
  readonly name: pulumi.Output<string>;

  constructor(args: NamespaceArgs, options?: pulumi.ComponentResourceOptions) {
    const { host, namespace, applied } = args;
    const { name, config, policies, topics } = namespace;
    super("messaging:index:Namespace", `${host.key}-namespace-${name.replace("/", ".")}`, { policies, topics }, options);
    this.name = applied.resource.urn.apply(() => name);
    this.registerOutputs({ name, ...namespaceFigures(config) });
  }
}

/** What policies read: plain data. A partition counts as a topic; its memory is the broker's. */
function namespaceFigures({ retention, backlogQuota, topics }: NamespaceConfig) {
  const partitions = Object.values(topics).reduce((sum, topic) => sum + Math.max(1, topic.partitions), 0);
  return { memoryBytes: 0, retention, backlogQuota, topics: Math.max(1, partitions) };
}

/** `messaging:namespaces` of a config, by name. */
type Namespaces = Readonly<Record<string, NamespaceConfig>>;

/** What a preview asks the host about before anything is declared. */
export function namespacesGuarded(pulsar: PulsarConfig, namespaces: Namespaces, layout: Layout): TaskText[] {
  const declared = declaredNamespaces(namespaces, namespaceOffloadDriver(pulsar, layout));
  return declared.length === 0 ? [] : [namespacesTask(pulsarAdminUrl(pulsar), declared)];
}

/**
 * Declares the namespaces of a server.
 * @param args.after what comes first: the server, the JSON reader of the scripts and the consents
 * @returns their names, known when they are as declared, and the task that makes them so
 */
export function declareNamespaces(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly pulsar: PulsarConfig; readonly namespaces: Namespaces; readonly after: readonly Task[] },
): { readonly names: pulumi.Output<string[]>; readonly applied: readonly Task[] } {
  const declared = declaredNamespaces(args.namespaces, namespaceOffloadDriver(args.pulsar, host.layout));
  if (declared.length === 0) return { names: pulumi.output([]), applied: [] };
  const applied = applyNamespaces(host, parent, { adminUrl: pulsarAdminUrl(args.pulsar), namespaces: declared, after: args.after });
  const namespaces = declared.map((namespace) => new Namespace({ host, namespace, applied }, { parent }));
  return { names: pulumi.all(namespaces.map(({ name }) => name)), applied: [applied] };
}

import type * as pulumi from "@pulumi/pulumi";
import type { NamespaceConfig } from "../config/namespaces";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { namespacePolicies, type OffloadDriver, topicProperties } from "../render/namespaces";

/** A namespace, its tenant and its topics as tasks, before anything is declared: plain data, so that a preview can ask the host about them. */
export interface NamespaceTasks {
  /** `tenant/namespace`. */
  readonly name: string;
  readonly config: NamespaceConfig;
  /** The same for every namespace of one tenant. */
  readonly tenant: TaskText;
  readonly namespace: TaskText;
  readonly topics: readonly TaskText[];
}

/**
 * The tasks of declared namespaces.
 * @param adminUrl address of Pulsar's admin API on the host
 * @param namespaces parsed `messaging:namespaces`
 * @param offloadDriver where an offload policy offloads to
 */
export function namespaceTasks(
  adminUrl: string,
  namespaces: Readonly<Record<string, NamespaceConfig>>,
  offloadDriver: OffloadDriver,
): NamespaceTasks[] {
  return Object.entries(namespaces).map(([name, config]) => {
    const [tenant = ""] = name.split("/");
    // No tenant or namespace has a dot, so that no two objects share a resource name.
    const resource = name.replace("/", ".");
    return {
      name,
      config,
      tenant: {
        name: `pulsar-tenant-${tenant}`,
        script: "pulsar-tenant",
        uses: ["pulsar-admin.sh"],
        inputs: { ADMIN_URL: adminUrl, TENANT: tenant },
      },
      namespace: {
        name: `pulsar-namespace-${resource}`,
        script: "pulsar-namespace",
        uses: ["pulsar-admin.sh", "pulsar-policies.sh"],
        inputs: { ADMIN_URL: adminUrl, NAMESPACE: name },
        body: namespacePolicies(config, offloadDriver),
      },
      topics: Object.entries(config.topics).map(([topic, topicConfig]) => ({
        name: `pulsar-topic-${resource}.${topic}`,
        script: "pulsar-topic",
        uses: ["pulsar-admin.sh"],
        inputs: { ADMIN_URL: adminUrl, NAMESPACE: name, TOPIC: topic },
        body: topicProperties(topicConfig),
      })),
    };
  });
}

/** Declares one namespace followed by its topics. @param args.after its tenant and what comes first besides */
export function declareNamespace(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly tasks: NamespaceTasks; readonly after: readonly Task[] },
): Task[] {
  const namespace = host.run(parent, { ...args.tasks.namespace, after: args.after });
  return [namespace, ...args.tasks.topics.map((topic) => host.run(parent, { ...topic, after: [namespace] }))];
}

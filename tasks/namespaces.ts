import type * as pulumi from "@pulumi/pulumi";
import type { NamespaceConfig } from "../config/namespaces";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { namespacePolicies, type OffloadDriver, topicProperties } from "../render/namespaces";
import { type Declared, objectLines } from "../render/objects";

/** A namespace with what it is declared with, as plain data. */
export interface DeclaredNamespace {
  /** `tenant/namespace`. */
  readonly name: string;
  readonly config: NamespaceConfig;
  /** Paths of the admin API below the namespace, and what goes there. */
  readonly policies: Declared;
  /** By topic name: its partitions, and where each subscription starts. */
  readonly topics: Readonly<Record<string, Declared>>;
}

/** The namespaces of a config. @param offloadDriver where an offload policy offloads to */
export function declaredNamespaces(
  namespaces: Readonly<Record<string, NamespaceConfig>>,
  offloadDriver: OffloadDriver,
): DeclaredNamespace[] {
  return Object.entries(namespaces).map(([name, config]) => ({
    name,
    config,
    policies: namespacePolicies(config, offloadDriver),
    topics: Object.fromEntries(Object.entries(config.topics).map(([topic, topicConfig]) => [topic, topicProperties(topicConfig)])),
  }));
}

/**
 * All namespaces of a server with their tenants and topics, as one task: a task of its own for each costs more in processes than Pulsar takes for the
 * requests. Plain data, so that a preview can ask the host about it.
 * @param adminUrl address of Pulsar's admin API on the host
 */
export function namespacesTask(adminUrl: string, namespaces: readonly DeclaredNamespace[]): TaskText {
  const objects = namespaces.flatMap(({ name, policies, topics }): [string, Declared][] => [
    [`namespace/${name}`, policies],
    ...Object.entries(topics).map(([topic, properties]): [string, Declared] => [`topic/${name}/${topic}`, properties]),
  ]);
  return {
    name: "pulsar-namespaces",
    script: "pulsar-namespaces",
    uses: ["objects.sh", "pulsar-admin.sh", "pulsar-policies.sh", "pulsar-removal.sh", "pulsar-topics.sh", "pulsar-view.sh"],
    inputs: { ADMIN_URL: adminUrl },
    body: objectLines(Object.fromEntries(objects)),
    earlier: namespaces.flatMap(({ name, topics }) => {
      const resource = name.replace("/", ".");
      return [`pulsar-namespace-${resource}`, ...Object.keys(topics).map((topic) => `pulsar-topic-${resource}.${topic}`)];
    }),
  };
}

/** Declares all namespaces of a server. @param args.after the server's proof, the JSON reader of the scripts and the consents */
export function applyNamespaces(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly adminUrl: string; readonly namespaces: readonly DeclaredNamespace[]; readonly after: readonly Task[] },
): Task {
  return host.run(parent, { ...namespacesTask(args.adminUrl, args.namespaces), after: args.after });
}

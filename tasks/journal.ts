import * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import { journaldConf } from "../render/systemd";

/** The journal of a stack's services. */
export interface Journal extends Task {
  /** Name of its namespace. */
  readonly namespace: string;
}

/** Gives the services that the system's own systemd runs a journal of their own, with limits. Other managers have none to give: undefined. */
export function journal(host: Host, parent: pulumi.Resource): Journal | undefined {
  if (host.services !== "systemd") return undefined;
  const namespace = journalNamespace();
  const task = host.run(parent, { name: "journal", script: "journal", inputs: { JOURNAL: namespace }, body: journaldConf(), after: [] });
  return { ...task, namespace };
}

/** Two stacks may live on one host. */
export function journalNamespace(): string {
  return `${pulumi.getProject()}-${pulumi.getStack()}`;
}

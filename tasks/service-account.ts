import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/** A user of the system that one service runs as. */
export interface ServiceAccount extends Task {
  readonly user: string;
}

/**
 * Declares the user that a service of a product runs as, and lets it reach what is below the prefix. Only where the system's own manager starts services as
 * root; everywhere else they run as the user that tasks run as, and nothing is declared. Removing it keeps the user, because kept data are its own.
 */
export function serviceAccount(host: Host, parent: pulumi.Resource, product: string): ServiceAccount | undefined {
  if (host.services !== "systemd") return undefined;
  const user = `messaging-${product}`;
  const account = host.run(parent, {
    name: `${product}-account`,
    script: "service-account",
    inputs: { ACCOUNT: user, PRODUCT: product },
    after: [],
  });
  return { ...account, user };
}

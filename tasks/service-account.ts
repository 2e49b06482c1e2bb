import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/** A user that one service runs as. */
export interface ServiceAccount extends Task {
  readonly user: string;
}

/**
 * Declares the user that a service of a product runs as, and lets it reach what is below the prefix. Only where the system's own manager starts services as
 * root, and in containers where tasks run as root, as a number that no user of the host has; everywhere else they run as the user that tasks run as, and nothing is
 * declared. Removing it keeps the user, because kept data are its own.
 */
export function serviceAccount(host: Host, parent: pulumi.Resource, product: string): ServiceAccount | undefined {
  const contained = host.docker?.ownUser === true ? host.docker.user.replace(/:.*/, "") : undefined;
  const user = host.services === "systemd" ? `messaging-${product}` : contained;
  if (user === undefined) return undefined;
  const account = host.run(parent, {
    name: `${product}-account`,
    script: "service-account",
    inputs: { ACCOUNT: user, PRODUCT: product },
    after: [],
  });
  return { ...account, user };
}

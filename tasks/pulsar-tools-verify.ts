import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/**
 * Proves once for each version that operators can manage Pulsar with pulsar-admin. Nothing waits for it.
 * @param args.after the server and the program
 */
export function pulsarToolsVerify(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly admin: string; readonly version: string; readonly after: readonly Task[] },
): Task {
  return host.run(parent, {
    name: "pulsar-tools-verify",
    script: "pulsar-tools-verify",
    inputs: { ADMIN: args.admin, VERSION: args.version },
    after: args.after,
  });
}

import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/**
 * Takes over from a server that somebody set up on the host without us, where the host's config says `adopt: true`: what describes it is copied, its service is
 * stopped and disabled, its data stays where it is.
 * @param args.port that it listens on and we want
 * @param args.data directory of its data, which our server is going to serve
 * @returns nothing or one task, which comes before anything that touches the data
 */
export function adopt(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly product: "nats-server" | "pulsar"; readonly port: number; readonly data: string },
): Task[] {
  if (!host.adopts) return [];
  const inputs = { PRODUCT: args.product, PORT: args.port, DATA: args.data };
  return [host.run(parent, { name: `${args.product}-adopt`, script: "adopt", uses: ["servers.sh"], inputs, after: [] })];
}

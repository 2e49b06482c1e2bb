import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";

/**
 * Proves a running NATS server as its users use it: monitoring, publish and subscribe, request and reply, a queue group, and JetStream on a temporary
 * stream. Runs again after each change of the service.
 */
export function natsVerify(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly url: string; readonly monitoringUrl: string; readonly service: Task; readonly cli: Task },
): Task {
  return host.run(parent, {
    name: "nats-verify",
    script: "nats-verify",
    uses: ["jetstream.sh"],
    inputs: { URL: args.url, MONITORING_URL: args.monitoringUrl, SERVICE_DIGEST: args.service.digest },
    after: [args.service, args.cli],
  });
}

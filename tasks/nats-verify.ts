import type * as pulumi from "@pulumi/pulumi";
import { type Follows, following, type Host, type Task } from "../hosts/host";

/**
 * Proves a running NATS server as its users use it: monitoring, publish and subscribe, request and reply, a queue group, and JetStream on a temporary
 * stream. Runs again after each change of the service.
 */
export function natsVerify(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly url: string;
    readonly monitoringUrl: string;
    readonly service: Task;
    readonly cli: Task;
    /** The users of the server and the key that the proof is made with. */
    readonly follows?: Follows | undefined;
    readonly after?: readonly Task[];
  },
): Task {
  return host.run(parent, {
    name: "nats-verify",
    script: "nats-verify",
    uses: ["jetstream.sh"],
    inputs: { URL: args.url, MONITORING_URL: args.monitoringUrl, SERVICE_DIGEST: args.service.digest },
    ...following(args.follows),
    after: [args.service, args.cli, ...(args.after ?? [])],
  });
}

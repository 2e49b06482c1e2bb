import type * as pulumi from "@pulumi/pulumi";
import { type Follows, following, type Host, type Task } from "../hosts/host";

/**
 * Proves the way NATS → Benthos → Pulsar → Benthos → DuckDB with a hundred messages: none is lost, and how long each took. On a temporary stream, topic,
 * pipelines and table. Runs again after each change of the service.
 */
export function benthosVerify(
  host: Host,
  parent: pulumi.Resource,
  args: {
    /** Benthos's HTTP API. */
    readonly apiUrl: string;
    readonly natsUrl: string;
    /** What pipelines reach the same servers at. */
    readonly pipelines: { readonly natsUrl: string; readonly pulsarUrl: string };
    readonly pulsarAdminUrl: string;
    /** The role that pipelines prove to Pulsar; undefined where nobody is asked. */
    readonly pulsarRole: string | undefined;
    /** The DuckDB CLI. */
    readonly duckdb: string;
    /** Absolute path of a directory that the pipelines may write to. */
    readonly dataDirectory: string;
    readonly service: Task;
    /** What the service follows. */
    readonly follows: Follows;
    readonly after: readonly Task[];
  },
): Task {
  return host.run(parent, {
    name: "benthos-verify",
    script: "benthos-verify",
    uses: ["jetstream.sh", "pulsar-admin.sh"],
    inputs: {
      API_URL: args.apiUrl,
      URL: args.natsUrl,
      PIPELINE_NATS_URL: args.pipelines.natsUrl,
      PULSAR_URL: args.pipelines.pulsarUrl,
      ADMIN_URL: args.pulsarAdminUrl,
      ...(args.pulsarRole === undefined ? {} : { PULSAR_ROLE: args.pulsarRole }),
      DUCKDB: args.duckdb,
      DATA: args.dataDirectory,
      SERVICE_DIGEST: args.service.digest,
    },
    ...following(args.follows),
    after: [args.service, ...args.after],
  });
}

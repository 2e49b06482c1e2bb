import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { CertificatePaths } from "./certificates";

/** The mark by which scripts/tasks/nats-context.sh knows a context that it may overwrite or remove. */
const OWNER = "Managed by Pulumi";

/** Writes a context of the nats CLI on a host, so that its user names the server instead of its address. Selecting it stays with the user. */
export function natsContext(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly name: string;
    readonly url: string;
    readonly description: string;
    /** Path on the host of the file with the key of the user that it connects as; undefined: nobody asks who it is. */
    readonly nkey?: string | undefined;
    /** Path on the host of the certificate that it knows the server by; undefined: without TLS. */
    readonly ca?: string | undefined;
    /** What it shows the server; undefined: it is not asked. */
    readonly shown?: CertificatePaths | undefined;
    readonly after: readonly Task[];
  },
): Task {
  return host.run(parent, {
    name: "nats-context",
    script: "nats-context",
    inputs: { NAME: args.name },
    body: natsContextJson(args.url, args.description, args),
    after: args.after,
  });
}

/** The keys as the CLI writes them, one a line; what is left out has its default. */
export function natsContextJson(
  url: string,
  description: string,
  {
    nkey,
    ca,
    shown,
  }: { readonly nkey?: string | undefined; readonly ca?: string | undefined; readonly shown?: CertificatePaths | undefined } = {},
): string {
  return `${JSON.stringify({ description: `${description} (${OWNER})`, url, nkey, ca, cert: shown?.certificate, key: shown?.key }, undefined, 2)}\n`;
}

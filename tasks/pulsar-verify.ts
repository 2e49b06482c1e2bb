import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { CertificatePaths } from "./certificates";
import { systemUnit } from "./service";

/**
 * Proves a running Pulsar as its users use it: health, a log without errors, the commands of pulsar-admin, publishing and consuming over the binary protocol
 * as pulsar-client does, and replay, on a temporary topic. Runs again after each change of the service.
 */
export function pulsarVerify(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly adminUrl: string;
    /** The same over TLS, what a client knows the server by, and what it has to show; undefined: there is none. */
    readonly tls: { readonly url: string; readonly ca: string; readonly shown: CertificatePaths | undefined } | undefined;
    /** pulsar-shell of this stack. */
    readonly shell: string;
    readonly log: string;
    readonly service: Task;
    readonly after: readonly Task[];
  },
): Task {
  const journal = host.services.startsWith("systemd");
  const { docker } = host;
  return host.run(parent, {
    name: "pulsar-verify",
    script: "pulsar-verify",
    uses: ["pulsar-admin.sh", ...(journal ? ["managers/systemd.sh"] : []), ...(docker === undefined ? [] : ["managers/docker.sh"])],
    inputs: {
      ADMIN_URL: args.adminUrl,
      ...(args.tls === undefined ? {} : { TLS_URL: args.tls.url, TLS_CA: args.tls.ca }),
      ...(args.tls?.shown === undefined ? {} : { TLS_CERTIFICATE: args.tls.shown.certificate, TLS_KEY: args.tls.shown.key }),
      SHELL_PROGRAM: args.shell,
      LOG: journal ? "journal" : docker === undefined ? args.log : "container",
      SERVICE_DIGEST: args.service.digest,
      ...(journal ? systemUnit(host, "pulsar") : {}),
      ...(docker === undefined ? {} : { ENGINE: docker.address, UNIT: docker.unit("pulsar") }),
    },
    after: [args.service, ...args.after],
  });
}

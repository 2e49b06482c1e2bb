import * as pulumi from "@pulumi/pulumi";
import { pinnedVersions } from "../config/pins";
import { SUPERVISORD_BYTES } from "../config/ram";
import type { Host, Task } from "../hosts/host";
import { allowDataLoss } from "../tasks/allow-data-loss";
import { artifact } from "../tasks/artifact";
import type { Clients } from "../config/tls";
import { certificateAuthority, clientCertificates } from "../tasks/certificates";
import { type Journal, journal } from "../tasks/journal";
import { type Supervisord, supervisord } from "../tasks/supervisord";

/** What every component of a host leans on: the JSON reader of the scripts and the service manager. */
export class HostTools extends pulumi.ComponentResource {
  readonly gojq: Task;
  /** Where it keeps the services alive; undefined on a host whose system does. */
  readonly supervisord: Supervisord | undefined;
  /** Where the system's systemd runs them. */
  readonly journal: Journal | undefined;
  /** Consents to lose messages are on the host. */
  readonly consents: Task;
  /** What signs the certificates of servers; undefined where none has TLS. */
  readonly certificateAuthority: Task | undefined;
  /** What clients of the servers show, the stack's own tasks among them. */
  readonly clientCertificates: readonly Task[];

  constructor(
    args: { readonly host: Host; readonly allowDataLoss: readonly string[]; readonly tls: boolean; readonly clients?: Clients | undefined },
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("messaging:index:HostTools", `${args.host.key}-tools`, {}, options);
    this.gojq = artifact(args.host, this, { task: "gojq", name: "gojq", version: pinnedVersions("gojq")[0], link: true });
    this.supervisord = args.host.services === "supervisord" ? supervisord(args.host, this) : undefined;
    this.journal = journal(args.host, this);
    this.consents = allowDataLoss(args.host, this, args.allowDataLoss);
    this.certificateAuthority = args.tls ? certificateAuthority(args.host, this) : undefined;
    this.clientCertificates =
      this.certificateAuthority === undefined || args.clients === undefined
        ? []
        : clientCertificates(args.host, this, args.clients, this.certificateAuthority);
    const supervisordBytes = this.supervisord === undefined ? 0 : SUPERVISORD_BYTES;
    this.registerOutputs({ memoryBytes: supervisordBytes, memory: { supervisord: supervisordBytes } });
  }
}

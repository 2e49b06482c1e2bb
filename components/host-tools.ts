import * as pulumi from "@pulumi/pulumi";
import { pinnedVersions } from "../config/pins";
import type { Host, Task } from "../hosts/host";
import { artifact } from "../tasks/artifact";
import { type Supervisord, supervisord } from "../tasks/supervisord";

/** What every component of a host leans on: the JSON reader of the scripts and the service manager. */
export class HostTools extends pulumi.ComponentResource {
  readonly gojq: Task;
  readonly supervisord: Supervisord;

  constructor(args: { readonly host: Host }, options?: pulumi.ComponentResourceOptions) {
    super("messaging:index:HostTools", `${args.host.key}-tools`, {}, options);
    this.gojq = artifact(args.host, this, { task: "gojq", name: "gojq", version: pinnedVersions("gojq")[0], link: true });
    this.supervisord = supervisord(args.host, this);
    this.registerOutputs({});
  }
}

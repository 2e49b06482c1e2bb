import type * as pulumi from "@pulumi/pulumi";
import { pinnedVersions } from "../config/pins";
import type { Host, Task } from "../hosts/host";
import { supervisordConf } from "../render/supervisord";
import { artifact } from "./artifact";

const [VERSION] = pinnedVersions("supervisor");

/** The running daemon of a host. */
export interface Supervisord extends Task {
  readonly version: string;
}

/** Installs supervisord for the prefix and keeps it running after the run that started it. */
export function supervisord(host: Host, parent: pulumi.Resource): Supervisord {
  const { layout } = host;
  const installed = artifact(host, parent, {
    task: "supervisor",
    name: "supervisor",
    version: VERSION,
    link: false,
    uses: ["products/supervisor.sh"],
  });
  const daemon = host.run(parent, {
    name: "supervisord",
    script: "supervisord",
    uses: ["managers/supervisord.sh", "servers.sh"],
    inputs: { SUPERVISOR_VERSION: VERSION },
    body: supervisordConf({
      socket: `${layout.prefix}/run/supervisor.sock`,
      pidFile: layout.pidFile("supervisord"),
      logFile: layout.log("supervisord"),
      programsDirectory: layout.etc("supervisor", "conf.d"),
    }),
    after: [installed],
  });
  return { ...daemon, version: VERSION };
}

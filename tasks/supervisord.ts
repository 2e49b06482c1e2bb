import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import { supervisordConf } from "../render/supervisord";

/** The pinned supervisord and what it imports (setuptools below 81 still has pkg_resources), with the digests that PyPI publishes. */
export const SUPERVISOR = {
  version: "4.3.0",
  requirements: `supervisor==4.3.0 --hash=sha256:0bcb763fddafba410f35cbde226aa7f8514b9fb82eb05a0c85f6588d1c13f8db
setuptools==80.9.0 --hash=sha256:062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922
`,
} as const;

/** The running daemon of a host. */
export interface Supervisord extends Task {
  readonly version: string;
}

/** Installs supervisord for the prefix and keeps it running after the run that started it. */
export function supervisord(host: Host, parent: pulumi.Resource): Supervisord {
  const { layout } = host;
  const installed = host.run(parent, {
    name: "supervisor",
    script: "python-venv",
    inputs: { NAME: "supervisor", VERSION: SUPERVISOR.version },
    body: SUPERVISOR.requirements,
    after: [],
  });
  const daemon = host.run(parent, {
    name: "supervisord",
    script: "supervisord",
    uses: ["managers/supervisord.sh", "servers.sh"],
    inputs: { SUPERVISOR_VERSION: SUPERVISOR.version },
    body: supervisordConf({
      socket: `${layout.prefix}/run/supervisor.sock`,
      pidFile: layout.pidFile("supervisord"),
      logFile: layout.log("supervisord"),
      programsDirectory: layout.etc("supervisor", "conf.d"),
    }),
    after: [installed],
  });
  return { ...daemon, version: SUPERVISOR.version };
}

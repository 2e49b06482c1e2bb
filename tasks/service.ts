import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { Service } from "../render/service";
import { supervisordProgram } from "../render/supervisord";
import { type ConfigFile, configFile } from "./config-file";
import type { Supervisord } from "./supervisord";

/**
 * Declares a service: its definition for the host's service manager, and the task that runs it, proves it and switches back when it fails.
 * @param args.version version of the product, named as the service is
 */
export function service(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly service: Service;
    readonly version: string;
    readonly config: ConfigFile;
    readonly supervisord: Supervisord;
    readonly after: readonly Task[];
  },
): Task {
  const { name } = args.service;
  const definition = configFile(host, parent, {
    name: `${name}-definition`,
    path: host.layout.etc("supervisor", name),
    text: supervisordProgram(args.service),
    after: [args.supervisord],
  });
  return host.run(parent, {
    name: `${name}-service`,
    script: "service",
    uses: ["managers/supervisord.sh", `products/${name}.sh`],
    inputs: {
      NAME: name,
      MANAGER: "supervisord",
      SUPERVISOR_VERSION: args.supervisord.version,
      VERSION: args.version,
      CONFIG: args.config.path,
      CONFIG_DIGEST: args.config.textDigest,
      DEFINITION: definition.path,
      DEFINITION_DIGEST: definition.textDigest,
    },
    after: [args.config, definition, args.supervisord, ...args.after],
  });
}

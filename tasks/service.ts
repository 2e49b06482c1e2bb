import type * as pulumi from "@pulumi/pulumi";
import type { Host, Task } from "../hosts/host";
import type { Service } from "../render/service";
import { supervisordProgram } from "../render/supervisord";
import { type ConfigFile, configFile } from "./config-file";
import type { Supervisord } from "./supervisord";

/**
 * Declares a service: its definition for the host's service manager, and the task that runs it, proves it and switches back when it fails.
 * @param args.product what the service runs, of which it takes one version
 */
export function service(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly service: Service;
    readonly product: string;
    readonly version: string;
    /** How many versions stay installed, this one included. */
    readonly keepVersions: number;
    /** Absolute path of the product's data. */
    readonly dataDirectory: string;
    /** The product's main config first. */
    readonly configs: readonly [ConfigFile, ...ConfigFile[]];
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
    uses: ["managers/supervisord.sh", `products/${args.product}.sh`],
    inputs: {
      NAME: name,
      PRODUCT: args.product,
      CURRENT: currentLink(name, args.product),
      MANAGER: "supervisord",
      SUPERVISOR_VERSION: args.supervisord.version,
      VERSION: args.version,
      DATA: args.dataDirectory,
      KEEP_VERSIONS: args.keepVersions,
      CONFIGS: args.configs.map(({ candidate }) => candidate).join(" "),
      DEFINITION: definition.candidate,
    },
    after: [...args.configs, definition, args.supervisord, ...args.after],
  });
}

/**
 * Name of the link to the version that a service runs, in the directory of the product's versions: services of one product switch one by one.
 * @param service name of the service
 */
export function currentLink(service: string, product: string): string {
  return service === product ? "current" : `current-${service}`;
}

import * as pulumi from "@pulumi/pulumi";
import { type Follows, following, type Host, type Task } from "../hosts/host";
import type { Service } from "../render/service";
import { launchdPlist } from "../render/launchd";
import { supervisordProgram } from "../render/supervisord";
import { systemdUnit } from "../render/systemd";
import { type ConfigFile, configFile } from "./config-file";
import type { ServiceAccount } from "./service-account";
import { container } from "./container";
import type { ImageContents } from "./image";
import { type Journal, journalNamespace } from "./journal";
import type { Supervisord } from "./supervisord";

/** What services lean on, as far as the host's manager has it. */
export interface ServiceTools {
  readonly supervisord: Supervisord | undefined;
  readonly journal: Journal | undefined;
}

/** A service and what it leans on. */
export interface ServiceArgs {
  readonly service: Service;
  readonly product: string;
  readonly version: string;
  /** How many versions stay installed, this one included. */
  readonly keepVersions: number;
  /** Absolute path of the product's data. */
  readonly dataDirectory: string;
  /** The product's main config first. */
  readonly configs: readonly [ConfigFile, ...ConfigFile[]];
  /** Files besides those in the directories of its configs that it reads. */
  readonly reads?: readonly string[];
  /** What it runs besides its product, as it is installed. */
  readonly programs?: readonly ImageContents[];
  /** What the host's manager needs. */
  readonly tools: ServiceTools;
  /** The user that it runs as; undefined: the one that tasks run as. */
  readonly account?: ServiceAccount | undefined;
  /** Digests of what it reads besides its configs. */
  readonly follows?: Follows | undefined;
  readonly after: readonly Task[];
}

/**
 * Declares a service: its definition for the host's service manager, and the task that runs it, proves it and switches back when it fails.
 * @param args.product what the service runs, of which it takes one version
 */
export function service(host: Host, parent: pulumi.Resource, args: ServiceArgs): Task {
  const { name } = args.service;
  const manager = managedBy(host, parent, args);
  const definition = configFile(host, parent, {
    name: `${name}-definition`,
    path: host.layout.etc(manager.folder, name),
    text: manager.definition,
    // A container is made of the same text: what became of it is no drift of the text.
    after: host.docker === undefined ? manager.after : [],
  });
  return host.run(parent, {
    name: `${name}-service`,
    script: "service",
    uses: [`managers/${manager.script}.sh`, `products/${args.product}.sh`],
    inputs: {
      NAME: name,
      PRODUCT: args.product,
      CURRENT: currentLink(name, args.product),
      MANAGER: manager.script,
      ...manager.inputs,
      VERSION: args.version,
      DATA: args.dataDirectory,
      KEEP_VERSIONS: args.keepVersions,
      CONFIGS: args.configs.map(({ candidate }) => candidate).join(" "),
      DEFINITION: definition.candidate,
    },
    ...following(args.follows),
    after: [...args.configs, definition, ...manager.after, ...args.after],
  });
}

/**
 * Name of the link to the version that a service runs, in the directory of the product's versions: services of one product switch one by one.
 * @param service name of the service
 */
export function currentLink(service: string, product: string): string {
  return service === product ? "current" : `current-${service}`;
}

/** How the host's service manager is told about a service. */
interface Managed {
  /** Script in scripts/managers. */
  readonly script: string;
  /** Folder of etc that holds the definitions. */
  readonly folder: string;
  readonly definition: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly after: readonly Task[];
}

function managedBy(host: Host, parent: pulumi.Resource, args: ServiceArgs): Managed {
  const { service, account } = args;
  if (host.docker !== undefined) {
    const { definition, inputs, after } = container(host, host.docker, parent, args);
    return { script: "docker", folder: "docker", definition, inputs, after };
  }
  const { supervisord, journal } = args.tools;
  if (supervisord !== undefined) {
    const inputs = { SUPERVISOR_VERSION: supervisord.version };
    return { script: "supervisord", folder: "supervisor", definition: supervisordProgram(service), inputs, after: [supervisord] };
  }
  if (host.services === "systemd" && (account === undefined || journal === undefined)) {
    throw new Error(`${service.name} has no user or no journal of its own`);
  }
  const inputs = systemUnit(host, service.name);
  if (host.services.startsWith("launchd")) {
    return { script: "launchd", folder: "launchd", definition: launchdPlist(service, inputs.UNIT), inputs, after: [] };
  }
  const definition = systemdUnit(
    service,
    account === undefined || journal === undefined
      ? { manager: "user", capsMemory: host.enforcement === "cgroup" }
      : { manager: "system", user: account.user, journal: journal.namespace },
  );
  const after = [account, journal].filter((task) => task !== undefined);
  return { script: "systemd", folder: "systemd", definition, inputs, after };
}

/**
 * What scripts/managers calls a service, in a manager of the system or of a user. Two stacks may live on one host, and distributions have units of the plain
 * names.
 */
export function systemUnit(
  host: Host,
  name: string,
): { readonly SCOPE: "system" | "user"; readonly UNIT: string; readonly JOURNAL?: string } {
  const label = `${pulumi.getProject()}-${pulumi.getStack()}-${name}`;
  return {
    ...(host.services === "systemd" ? { JOURNAL: journalNamespace() } : {}),
    SCOPE: host.services.endsWith("-user") ? "user" : "system",
    UNIT: host.services.startsWith("systemd") ? `${label}.service` : label,
  };
}

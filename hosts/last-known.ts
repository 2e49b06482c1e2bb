import * as pulumi from "@pulumi/pulumi";
import { type Observation, parseObservation } from "./observe";
import type { ServiceManager } from "./services";

/** What an up writes into the stack's outputs about a host, for the time when the host does not answer. */
export interface HostFacts {
  readonly platform: string;
  readonly services: ServiceManager;
  /** Home of the user that logs in. */
  readonly home: string;
  /** Where the host was reached; undefined for this machine. */
  readonly address: string | undefined;
  /** Versions of artefacts that were copied to it, by the task that installs them. */
  readonly copied: Readonly<Record<string, string>>;
}

/** A host as the last up knew it. */
export interface KnownHost {
  readonly observation: Observation;
  readonly services: ServiceManager;
  readonly address: string | undefined;
}

/** What the outputs of the stack say of each host. */
type HostOutputs = Readonly<Record<string, { readonly facts?: HostFacts; readonly paths?: { readonly prefix: string } } | undefined>>;

let lastOutputs: Promise<HostOutputs> | undefined;

/**
 * What the last up has left in the outputs of this stack about a host. Read from the backend, so it is asked in the rare case only, and once.
 * @returns undefined when the stack was never up with that host
 */
export async function lastKnown(key: string): Promise<KnownHost | undefined> {
  lastOutputs ??= readOutputs();
  const facts = (await lastOutputs)[key]?.facts;
  if (facts === undefined) return undefined;
  const tasks = Object.entries(facts.copied).map(([task, version]) => `task\t${task}\t\t\t${version}`);
  const observation = parseObservation([`platform\t${facts.platform}`, `home\t${facts.home}`, ...tasks].join("\n"));
  return { observation, services: facts.services, address: facts.address };
}

/** The prefix that the last up has installed into; undefined when the stack was never up with that host. Asked like `lastKnown`. */
export async function lastPrefix(key: string): Promise<string | undefined> {
  lastOutputs ??= readOutputs();
  return (await lastOutputs)[key]?.paths?.prefix;
}

/** Asks the engine as a StackReference does, which would be a resource of its own and show in every other preview. */
async function readOutputs(): Promise<HostOutputs> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const { outputs } = (await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name })) as {
    readonly outputs?: { readonly hosts?: HostOutputs };
  };
  return outputs?.hosts ?? {};
}

import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";
import { digest } from "./scripts";
import type { Task } from "./host";

/** Whom services run as where tasks run as root: nobody that the host has, and not root. The number is that of `nonroot` in distroless images. */
const NONROOT = 65_532;

/** A container as plain data: what it is besides its image's id. */
export interface ContainerSpec {
  /** Name of the service, also its host name in the network. */
  readonly service: string;
  readonly image: string;
  /** User and group by number. */
  readonly user: string;
  readonly command: readonly string[];
  readonly environment: readonly string[];
  /** Cap of memory, without swap, in MiB. */
  readonly memoryMebibytes: number;
  /** Published on 127.0.0.1 under the same number. */
  readonly ports: readonly number[];
  /** Directories and files of the host that are mounted read-only where they are there. */
  readonly configs: readonly string[];
  /** The same, writable. */
  readonly logs: readonly string[];
  /** Host directories that are mounted as named volumes where they are on the host. */
  readonly data: readonly string[];
  /** Directories that go with the container. */
  readonly scratch: readonly string[];
  readonly workingDirectory: string;
  readonly health: readonly string[];
  readonly stopSignal: string;
  readonly stopTimeoutSeconds: number;
  readonly restart: string;
}

/** How the provider reaches an engine: its address as in DOCKER_HOST, and options of ssh where it is on another machine. */
export interface EngineAccess {
  readonly host: string;
  readonly sshOpts?: readonly string[];
}

/** What an engine of a host is made of. */
export interface DockerEngineArgs {
  /** Begins the name of everything in the engine. */
  readonly name: string;
  /** Key of the host. */
  readonly key: string;
  /** Address of the engine on its host, as in DOCKER_HOST. */
  readonly engine: string;
  /** How this machine gets there. */
  readonly access: EngineAccess;
  readonly baseImage: string;
  /** Who carries out the tasks; undefined where nobody looked. */
  readonly userId: number | undefined;
  /** When the host was looked at. */
  readonly time: string;
  /** Has a task found that something of ours is not in the engine, such as `network`? */
  readonly missing: (what: string) => boolean;
}

/**
 * The Docker engine of a host, with the network of its services. A container is the definition of a service, made and not started: the service task starts it,
 * proves it and goes back to the one before, which the program removes only when everything has worked. A label has the digest of the definition, so another
 * one is another container.
 */
export class DockerEngine {
  readonly address: string;
  readonly baseImage: string;
  /** Name of the network. */
  readonly network: string;
  /** User and group that services run as, by number: the user of the tasks, who owns the data, but never root. */
  readonly user: string;
  /** Is that another one than the user of the tasks? */
  readonly ownUser: boolean;
  readonly #args: DockerEngineArgs;
  readonly #provider: docker.Provider;
  readonly #network: docker.Network;
  #base: docker.RemoteImage | undefined;

  constructor(host: pulumi.Resource, args: DockerEngineArgs) {
    this.#args = args;
    this.address = args.engine;
    this.baseImage = args.baseImage;
    this.network = args.name;
    const userId = args.userId ?? process.getuid?.() ?? 0;
    this.ownUser = userId === 0;
    this.user = this.ownUser ? `${NONROOT}:${NONROOT}` : `${userId}:${userId}`;
    this.#provider = new docker.Provider(`${args.key}-docker`, providerArgs(args.access), { parent: host });
    const renewed = this.#renewed(args.missing(`network ${this.network}`));
    this.#network = new docker.Network(
      `${args.key}-network`,
      { name: args.name, driver: "bridge", labels: renewed.labels },
      { parent: host, provider: this.#provider, deleteBeforeReplace: true, ...renewed.options },
    );
  }

  /** The label that all containers of a service have. */
  unit(service: string): string {
    return `${this.#args.name}-${service}`;
  }

  /** The image that those of the services are built on: pulled by its digest, unless the engine has it. */
  base(parent: pulumi.Resource): Task {
    this.#base ??= new docker.RemoteImage(
      `${this.#args.key}-base-image`,
      { name: this.baseImage, keepLocally: true },
      { parent, provider: this.#provider },
    );
    return { resource: this.#base, digest: digest(this.baseImage), drifted: false };
  }

  /**
   * Declares the container of a service and the volumes of its data.
   * @param definition text that the spec is shown as; its digest is in the name of the container
   * @param image task that has built the image
   */
  container(
    parent: pulumi.Resource,
    spec: ContainerSpec,
    { definition, image, after }: { readonly definition: string; readonly image: Task; readonly after: readonly Task[] },
  ): Task {
    const { key, missing } = this.#args;
    const unit = this.unit(spec.service);
    const options = { parent, provider: this.#provider };
    // Its task is done again also after what it depends on has drifted, and finds the image as it was.
    const rebuilt = missing(`image ${spec.image}`);
    const found = this.#renewed(rebuilt);
    const built = new docker.RemoteImage(
      `${key}-${spec.service}-image-id`,
      // Its task removes it: the provider would remove the one that was built anew under the same name, which the container has.
      { name: spec.image, keepLocally: true, triggers: { renewed: found.value } },
      { ...options, dependsOn: [image.resource], ...(rebuilt ? {} : { ignoreChanges: ["triggers"] }) },
    );
    const volumes = spec.data.map((path, index) => this.#volume(spec, path, index, options));
    const lost = missing(`container ${unit}-${digest(definition)}`) || missing(`network ${this.network}`) || rebuilt;
    const renewed = this.#renewed(lost);
    const bind = (path: string, readOnly: boolean) => ({ type: "bind", source: path, target: path, readOnly });
    const resource = new docker.Container(
      `${key}-${spec.service}-container`,
      {
        image: built.imageId,
        user: spec.user,
        command: [...spec.command],
        envs: [...spec.environment],
        workingDir: spec.workingDirectory,
        // Docker's own is another one for each container.
        hostname: spec.service,
        memory: spec.memoryMebibytes,
        // The same: no swap.
        memorySwap: spec.memoryMebibytes,
        readOnly: true,
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        init: false,
        restart: spec.restart,
        logDriver: "json-file",
        logOpts: { "max-size": "50m", "max-file": "5" },
        healthcheck: { tests: ["CMD", ...spec.health], interval: "10s", timeout: "5s", startPeriod: "60s", retries: 3 },
        stopSignal: spec.stopSignal,
        stopTimeout: spec.stopTimeoutSeconds,
        networksAdvanced: [{ name: this.#network.name, aliases: [spec.service] }],
        ports: spec.ports.map((port) => ({ internal: port, external: port, ip: "127.0.0.1", protocol: "tcp" })),
        mounts: [
          ...spec.configs.map((path) => bind(path, true)),
          ...spec.logs.map((path) => bind(path, false)),
          ...volumes.map(({ name, path }) => ({ type: "volume", source: name, target: path, readOnly: false })),
        ],
        volumes: spec.scratch.map((path) => ({ containerPath: path })),
        labels: [{ label: "messaging.unit", value: unit }, { label: "messaging.definition", value: digest(definition) }, ...renewed.labels],
        // The service task starts it.
        start: false,
        mustRun: false,
      },
      {
        ...options,
        dependsOn: after.map((task) => task.resource),
        // By whole label: the definition's decides whether there is another container.
        ...(lost ? {} : { ignoreChanges: ["labels[2]"] }),
      },
    );
    return { resource, digest: digest(definition), drifted: lost };
  }

  /** A named volume that is a directory of the host, so that the data are where they are without Docker. It stays when the stack goes. */
  #volume({ service, data }: ContainerSpec, path: string, index: number, options: pulumi.CustomResourceOptions) {
    const name = `${this.unit(service)}-${digest(path)}`;
    const renewed = this.#renewed(this.#args.missing(`volume ${name}`));
    const volume = new docker.Volume(
      `${this.#args.key}-${service}-volume${data.length === 1 ? "" : `-${index}`}`,
      {
        name,
        driver: "local",
        driverOpts: { type: "none", o: "bind", device: path },
        labels: [{ label: "messaging.directory", value: path }, ...renewed.labels],
      },
      { ...options, retainOnDelete: true, ...renewed.options },
    );
    return { name: volume.name, path };
  }

  /** A label whose other value makes a thing anew that somebody has taken away, and whose old value counts otherwise: a provider looks when asked to refresh only. */
  #renewed(lost: boolean) {
    const value = lost ? this.#args.time : "never";
    return {
      value,
      labels: [{ label: "messaging.renewed", value }],
      options: lost ? {} : { ignoreChanges: ["labels"] },
    };
  }
}

function providerArgs({ host, sshOpts }: EngineAccess): docker.ProviderArgs {
  return { host, ...(sshOpts === undefined ? {} : { sshOpts: [...sshOpts] }) };
}

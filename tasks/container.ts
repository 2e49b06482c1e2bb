import { dirname } from "node:path/posix";
import type * as pulumi from "@pulumi/pulumi";
import type { ContainerSpec, DockerEngine } from "../hosts/docker";
import type { Host, Task } from "../hosts/host";
import { digest } from "../hosts/scripts";
import { jsonLines } from "../render/text";
import { image } from "./image";
import { currentLink, type ServiceArgs } from "./service";

/** A service as a container, in the words of the service task. */
export interface ContainedService {
  /** What is in effect, a value a line. */
  readonly definition: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly after: readonly Task[];
}

/** Declares the image and the container of a service. The service task starts it. */
export function container(host: Host, docker: DockerEngine, parent: pulumi.Resource, args: ServiceArgs): ContainedService {
  const { service, product, version, programs = [] } = args;
  const built = image(host, docker, parent, {
    service: service.name,
    version,
    contents: [{ name: product, version }, ...programs],
    after: args.after,
  });
  const spec = containerSpec(host, docker, args, built.name);
  const definition = jsonLines({ ...spec });
  const made = docker.container(parent, spec, { definition, image: built, after: [...args.configs, ...args.after] });
  const volumes = spec.data.map((path) => `${docker.unit(service.name)}-${digest(path)}`).join(" ");
  const inputs = { ENGINE: docker.address, UNIT: docker.unit(service.name), NETWORK: docker.network, VOLUMES: volumes };
  return { definition, inputs, after: [made] };
}

function containerSpec(host: Host, docker: DockerEngine, args: ServiceArgs, imageName: string): ContainerSpec {
  const { service, product, version, configs, reads = [] } = args;
  const { layout } = host;
  const { environmentFile, network } = service;
  const { health } = network;
  // An image has the one version.
  const installed = layout.opt(product, version);
  const command = service.command.map((word) => word.replace(layout.opt(product, currentLink(service.name, product)), installed));
  const launcher = environmentFile === undefined ? [] : [layout.starter, "/dev/null", ...environmentFile.launcher.slice(-1)];
  const isLog = (path: string) => path.startsWith(`${layout.logs}/`);
  return {
    service: service.name,
    image: imageName,
    user: docker.user,
    command: [...launcher, ...command],
    environment: Object.entries(service.environment).map(([key, value]) => `${key}=${value}`),
    memoryMebibytes: Math.floor(service.memoryBytes / 2 ** 20),
    ports: network.ports,
    configs: [...new Set(configs.map(({ path }) => dirname(path))), ...reads],
    logs: service.writableDirectories.filter(isLog),
    data: service.writableDirectories.filter((path) => !isLog(path)),
    // Java unpacks the native parts of its libraries there.
    scratch: service.compiles === true ? ["/tmp"] : [],
    workingDirectory: installed,
    health: [
      layout.starter.replace(/start\.sh$/, "health.sh"),
      String(health.port),
      health.path,
      ...(health.tokenFile === undefined ? [] : [health.tokenFile]),
    ],
    stopSignal: `SIG${service.stopSignal}`,
    stopTimeoutSeconds: service.stopTimeoutSeconds,
    restart: "unless-stopped",
  };
}

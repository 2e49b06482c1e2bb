import type { PropertySpec, PropertySpecs, PropertyType } from "../common/inputs";

const replaces = (type: PropertyType, description: string, more: Partial<PropertySpec> = {}): PropertySpec => ({
  type,
  description,
  replaces: true,
  ...more,
});

const labels = replaces("object[]", "Labels, each with `label` and `value`.");

/** The inputs of the resource `docker:index/container:Container`, as far as they are provided. */
export const containerInputs: PropertySpecs = {
  name: replaces("string", "The name of the container.", { named: true }),
  image: replaces("string", "Id of the image.", { required: true }),
  capabilities: replaces("object", "Capabilities of Linux to add (`adds`) and to drop (`drops`)."),
  command: replaces("string[]", "The command and its arguments."),
  entrypoints: replaces("string[]", "The program that the command is handed to."),
  envs: replaces("string[]", "The environment, as KEY=value."),
  healthcheck: replaces("object", "`tests`, `interval`, `timeout`, `startPeriod` and `retries`."),
  hostname: replaces("string", "The host name inside."),
  init: replaces("boolean", "Whether an init of the engine's collects processes that nobody waits for."),
  labels,
  logDriver: replaces("string", "The log driver."),
  logOpts: replaces("map", "Options of the log driver."),
  memory: { type: "number", description: "Cap of memory in MiB." },
  memorySwap: { type: "number", description: "Cap of memory and swap together in MiB." },
  mounts: replaces("object[]", "What is mounted, each with `target`, `type`, `source` and `readOnly`."),
  mustRun: { type: "boolean", default: true, description: "Whether a container that does not run is wrong." },
  networkMode: replaces("string", "The network mode."),
  networksAdvanced: replaces("object[]", "The networks to be in, each with `name` and `aliases`."),
  ports: replaces("object[]", "Ports to publish, each with `internal`, `external`, `ip` and `protocol`."),
  readOnly: replaces("boolean", "Whether the root file system is read-only."),
  removeVolumes: { type: "boolean", default: true, description: "Whether nameless volumes go with the container." },
  restart: { type: "string", default: "no", description: "The restart policy." },
  securityOpts: replaces("string[]", "Security options."),
  start: { type: "boolean", default: true, description: "Whether it is started once it is made." },
  stopSignal: replaces("string", "The signal that stops it."),
  stopTimeout: replaces("number", "Seconds until it is killed."),
  tmpfs: replaces("map", "File systems in memory, options by path."),
  user: replaces("string", "Whom it runs as."),
  volumes: replaces("object[]", "Volumes without a name, each with `containerPath`."),
  workingDir: replaces("string", "The working directory."),
};

/** The inputs of the resource `docker:index/network:Network`, as far as they are provided. */
export const networkInputs: PropertySpecs = {
  name: replaces("string", "The name of the network.", { required: true }),
  driver: replaces("string", "The driver.", { default: "bridge" }),
  internal: replaces("boolean", "Whether it is cut off from the outside."),
  labels,
  options: replaces("map", "Options of the driver."),
};

/** The inputs of the resource `docker:index/volume:Volume`, as far as they are provided. */
export const volumeInputs: PropertySpecs = {
  name: replaces("string", "The name of the volume.", { required: true }),
  driver: replaces("string", "The driver.", { default: "local" }),
  driverOpts: replaces("map", "Options of the driver."),
  labels,
};

/** The inputs of the resource `docker:index/remoteImage:RemoteImage`, as far as they are provided. */
export const remoteImageInputs: PropertySpecs = {
  name: replaces("string", "The name of the image with its tag or digest, or its id.", { required: true }),
  forceRemove: { type: "boolean", description: "Whether it is removed although containers use it." },
  keepLocally: { type: "boolean", description: "Whether it stays when the resource goes." },
  triggers: replaces("map", "Values whose change makes it be looked for again."),
};

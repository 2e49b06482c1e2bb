import { packageSchema } from "../common/schema";
import { serve } from "../common/serve";
import { container } from "./container";
import { Engine } from "./engine";
import { network, remoteImage, volume } from "./things";

const name = "docker";
const version = "5.2.0";

const resources = new Map([
  ["docker:index/container:Container", container],
  ["docker:index/network:Network", network],
  ["docker:index/volume:Volume", volume],
  ["docker:index/remoteImage:RemoteImage", remoteImage],
]);

/**
 * It differs from the official plugin in that
 * - it provides containers, networks, volumes and remote images, with the inputs that this project uses;
 * - the outputs of a container are its inputs.
 */
serve<Engine>({
  name,
  version,
  schema: () => packageSchema(name, version, resources),
  resources,
  functions: new Map(),
  configure: (engine, config) => engine.configure(config),
  open: () => new Engine(),
  cancel: async () => undefined,
  close: async () => undefined,
});

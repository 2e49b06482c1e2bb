import type { ResourceHandler } from "../common/handlers";
import { flag, text, textMap } from "../common/inputs";
import type { PropertyMap } from "../common/values";
import { unknownValue } from "../common/values";
import { labelsOf } from "./container";
import { type Engine, ifPresent, unlessAbsent } from "./engine";
import { networkInputs, remoteImageInputs, volumeInputs } from "./specs";

/** `docker:index/network:Network`. Its id is the engine's. */
export const network: ResourceHandler<Engine> = {
  inputs: networkInputs,
  previewCreate: (inputs) => inputs,
  previewUpdate: (_, news) => news,
  create: async ({ docker }, _, inputs) => {
    const { id } = await docker.createNetwork({
      Name: text(inputs, "name") ?? "",
      CheckDuplicate: true,
      Driver: text(inputs, "driver") ?? "bridge",
      Internal: flag(inputs, "internal") ?? false,
      Labels: labelsOf(inputs),
      Options: textMap(inputs, "options"),
    });
    return { id, state: inputs };
  },
  update: async (_, __, ___, news) => news,
  delete: async ({ docker }, { id }) => unlessAbsent(docker.getNetwork(id).remove()),
  read: async ({ docker }, { id }, state) => ((await ifPresent(docker.getNetwork(id).inspect())) === undefined ? undefined : state),
};

/** `docker:index/volume:Volume`. Its id is its name; one that is there already with the same options is taken. */
export const volume: ResourceHandler<Engine> = {
  inputs: volumeInputs,
  previewCreate: (inputs) => inputs,
  previewUpdate: (_, news) => news,
  create: async ({ docker }, _, inputs) => {
    const name = text(inputs, "name") ?? "";
    await docker.createVolume({
      Name: name,
      Driver: text(inputs, "driver") ?? "local",
      DriverOpts: textMap(inputs, "driverOpts"),
      Labels: labelsOf(inputs),
    });
    return { id: name, state: inputs };
  },
  update: async (_, __, ___, news) => news,
  delete: async ({ docker }, { id }) => unlessAbsent(docker.getVolume(id).remove()),
  read: async ({ docker }, { id }, state) => ((await ifPresent(docker.getVolume(id).inspect())) === undefined ? undefined : state),
};

/** `docker:index/remoteImage:RemoteImage`: the image of this name that the engine has, else the one that it pulls. */
export const remoteImage: ResourceHandler<Engine> = {
  inputs: remoteImageInputs,
  previewCreate: (inputs) => ({ ...inputs, imageId: unknownValue, repoDigest: unknownValue }),
  previewUpdate: (olds, news) => ({ ...news, imageId: olds.imageId ?? null, repoDigest: olds.repoDigest ?? null }),
  create: async (engine, _, inputs) => {
    const name = text(inputs, "name") ?? "";
    const state = (await found(engine, inputs)) ?? (await pulled(engine, inputs));
    return { id: `${text(state, "imageId")}${name}`, state };
  },
  update: async (_, __, olds, news) => ({ ...news, imageId: olds.imageId ?? null, repoDigest: olds.repoDigest ?? null }),
  delete: async ({ docker }, _, state) => {
    if (flag(state, "keepLocally") === true) return;
    await unlessAbsent(docker.getImage(text(state, "name") ?? "").remove({ force: flag(state, "forceRemove") ?? false }));
  },
  read: async (engine, _, state) => found(engine, state),
};

async function found({ docker }: Engine, inputs: PropertyMap): Promise<PropertyMap | undefined> {
  const image = await ifPresent(docker.getImage(text(inputs, "name") ?? "").inspect());
  return image === undefined ? undefined : { ...inputs, imageId: image.Id, repoDigest: image.RepoDigests[0] ?? "" };
}

/** @throws Error with what the engine says, such as that the digest is another one */
async function pulled(engine: Engine, inputs: PropertyMap): Promise<PropertyMap> {
  const { docker } = engine;
  const name = text(inputs, "name") ?? "";
  const failed = (error: unknown) => new Error(`Unable to pull image ${name}: ${error instanceof Error ? error.message : String(error)}`);
  const stream = await docker.pull(name).catch((error: unknown) => {
    throw failed(error);
  });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null, progress: readonly { readonly error?: string }[]) => {
      // What goes wrong after the engine has begun to answer is a line of the progress.
      const problem = error ?? progress.find((line) => line.error !== undefined)?.error;
      if (problem === undefined) resolve();
      else reject(failed(problem));
    });
  });
  const image = await found(engine, inputs);
  if (image === undefined) throw new Error(`Unable to find image ${name} after it was pulled`);
  return image;
}

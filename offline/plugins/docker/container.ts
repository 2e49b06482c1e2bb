import type { ContainerCreateOptions, HostConfig } from "dockerode";
import type { ResourceHandler } from "../common/handlers";
import { figure, flag, objects, text, textList, textMap } from "../common/inputs";
import { isObject, reveal, type PropertyMap, type Value } from "../common/values";
import { type Engine, ifPresent, unlessAbsent } from "./engine";
import { containerInputs } from "./specs";

const MIB = 2 ** 20;

/** `docker:index/container:Container`. Its id is the engine's; memory, restart policy and what concerns only the resource are updated, all else replaces. */
export const container: ResourceHandler<Engine> = {
  inputs: containerInputs,
  previewCreate: (inputs) => inputs,
  previewUpdate: (_, news) => news,
  create: async ({ docker }, _, inputs) => {
    const made = await docker.createContainer(options(inputs));
    if (flag(inputs, "start") ?? true) {
      await made.start().catch(async (error: unknown) => {
        await made.remove({ force: true, v: true });
        throw error;
      });
    }
    return { id: made.id, state: inputs };
  },
  update: async ({ docker }, { id }, _, news) => {
    await docker.getContainer(id).update(limits(news));
    return news;
  },
  delete: async ({ docker }, { id }, state) => {
    await unlessAbsent(docker.getContainer(id).remove({ force: true, v: flag(state, "removeVolumes") ?? true }));
  },
  read: async ({ docker }, { id }, state) => {
    const found = await ifPresent(docker.getContainer(id).inspect());
    if (found === undefined) return undefined;
    const { Memory = 0, RestartPolicy } = found.HostConfig;
    return { ...state, ...(state.memory === undefined ? {} : { memory: Memory / MIB }), restart: RestartPolicy?.Name ?? "no" };
  },
};

function options(inputs: PropertyMap): ContainerCreateOptions {
  const networks = objects(inputs, "networksAdvanced");
  const aliases = Object.fromEntries(
    networks.map((network) => [text(network, "name") ?? "", { Aliases: textList(network, "aliases") ?? [] }]),
  );
  return omitUndefined({
    name: text(inputs, "name"),
    Image: text(inputs, "image"),
    Cmd: textList(inputs, "command"),
    Entrypoint: textList(inputs, "entrypoints"),
    Env: textList(inputs, "envs"),
    ExposedPorts: Object.fromEntries(objects(inputs, "ports").map((port) => [portKey(port), {}])),
    Healthcheck: healthcheck(reveal(inputs.healthcheck ?? null)),
    Hostname: text(inputs, "hostname"),
    HostConfig: hostConfig(inputs, text(networks[0] ?? {}, "name")),
    Labels: labelsOf(inputs),
    NetworkingConfig: { EndpointsConfig: aliases },
    StopSignal: text(inputs, "stopSignal"),
    StopTimeout: figure(inputs, "stopTimeout"),
    User: text(inputs, "user"),
    Volumes: Object.fromEntries(objects(inputs, "volumes").map((volume) => [text(volume, "containerPath") ?? "", {}])),
    WorkingDir: text(inputs, "workingDir"),
  });
}

function hostConfig(inputs: PropertyMap, network: string | undefined): HostConfig {
  const capabilities = reveal(inputs.capabilities ?? {}) as PropertyMap;
  const ports = objects(inputs, "ports");
  const published = (port: PropertyMap) => [{ HostIp: text(port, "ip") ?? "0.0.0.0", HostPort: String(figure(port, "external") ?? "") }];
  const logDriver = text(inputs, "logDriver");
  return omitUndefined({
    ...limits(inputs),
    CapAdd: textList(capabilities, "adds"),
    CapDrop: textList(capabilities, "drops"),
    Init: flag(inputs, "init"),
    LogConfig: logDriver === undefined ? undefined : { Type: logDriver, Config: textMap(inputs, "logOpts") },
    Mounts: objects(inputs, "mounts").map((mount) => ({
      Target: text(mount, "target"),
      Source: text(mount, "source"),
      Type: text(mount, "type"),
      ReadOnly: flag(mount, "readOnly") ?? false,
    })),
    NetworkMode: text(inputs, "networkMode") ?? network,
    PortBindings: Object.fromEntries(ports.map((port) => [portKey(port), published(port)])),
    ReadonlyRootfs: flag(inputs, "readOnly"),
    SecurityOpt: textList(inputs, "securityOpts"),
    Tmpfs: textMap(inputs, "tmpfs"),
  });
}

/** What the engine changes of a container that is there. */
function limits(inputs: PropertyMap): PropertyMap {
  const memory = figure(inputs, "memory");
  const swap = figure(inputs, "memorySwap");
  return {
    ...(memory === undefined ? {} : { Memory: memory * MIB }),
    ...(swap === undefined ? {} : { MemorySwap: swap < 0 ? swap : swap * MIB }),
    RestartPolicy: { Name: text(inputs, "restart") ?? "no" },
  };
}

function portKey(port: PropertyMap): string {
  return `${figure(port, "internal")}/${text(port, "protocol") ?? "tcp"}`;
}

function healthcheck(check: Value): PropertyMap | undefined {
  if (!isObject(check)) return undefined;
  const nanoseconds = (name: string) => duration(text(check, name) ?? "0s");
  return {
    Test: textList(check, "tests") ?? [],
    Interval: nanoseconds("interval"),
    Timeout: nanoseconds("timeout"),
    StartPeriod: nanoseconds("startPeriod"),
    Retries: figure(check, "retries") ?? 0,
  };
}

/** Nanoseconds of a duration as Go writes it, such as `1m30s`. */
function duration(written: string): number {
  const units: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
  return [...written.matchAll(/([\d.]+)(ms|s|m|h)/g)].reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0), 0);
}

/** The labels of a resource as the engine takes them. */
export function labelsOf(inputs: PropertyMap): Record<string, string> {
  return Object.fromEntries(objects(inputs, "labels").map((each) => [text(each, "label") ?? "", text(each, "value") ?? ""]));
}

function omitUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

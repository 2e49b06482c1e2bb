import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BenthosConfig } from "./benthos";
import type { NatsConfig } from "./nats";
import type { PulsarConfig } from "./pulsar";
import { exposedSecrets, missingResources } from "./pipeline-references";
import { brokenRoutes, type Permissions } from "./pipeline-routes";
import type { PipelineFile } from "./pipelines";

/** A place in a file as Benthos writes it: `<path>(<line>,<column>) <message>`. */
const PLACE = /^(.*?)\((\d+),\d+\) (.*)$/;

/** The systems of the stack that pipelines may use. */
export interface PipelineSystems {
  readonly nats?: NatsConfig | undefined;
  readonly pulsar?: PulsarConfig | undefined;
  /** Those of Pulsar. */
  readonly namespaces: Permissions;
}

/** What a check found. */
export interface PipelineCheck {
  /** A line for each problem, with file and line where Benthos says them. */
  readonly problems: readonly string[];
  /** Why Benthos itself was not asked, or undefined. */
  readonly unchecked: string | undefined;
}

/**
 * Checks the pipelines of a stack before anything is touched: references, routes, and what Benthos's own lint and unit tests say where it is installed.
 * @param binary path of Benthos on this machine
 * @param environment what the pipelines' `${…}` stand for
 */
export async function checkPipelines(
  { directory, processes, secrets }: BenthosConfig,
  { nats, pulsar, namespaces }: PipelineSystems,
  binary: string,
  environment: Readonly<Record<string, string>>,
): Promise<PipelineCheck> {
  const pipelines = processes.flatMap(({ files }) => files.pipelines);
  const tests = processes.flatMap(({ files }) => files.tests);
  const shared = processes[0]?.files.shared ?? [];
  const problems = [
    ...missingResources([...shared, ...pipelines], directory.name),
    ...exposedSecrets([...shared, ...pipelines], Object.keys(secrets), directory.name),
    ...brokenRoutes(
      pipelines.map(({ path, text }) => ({ path: `${directory.name}/${path}`, text })),
      nats?.streams ?? {},
      environment,
      pulsar?.auth && namespaces,
    ),
  ];
  if (!existsSync(binary)) return { problems, unchecked: `${binary} is not there; npm run setup brings it` };
  const absolute = ({ path }: PipelineFile) => join(directory.absolutePath, path);
  const inFolder = (folder: string) => shared.filter(({ path }) => path.startsWith(`${folder}/`)).map(absolute);
  const resources = ["-r", join(directory.absolutePath, "resources/*.yaml")];
  const templates = ["-t", join(directory.absolutePath, "templates/*.yaml")];
  const runs = [
    ["template", "lint", ...inFolder("templates")],
    [...templates, "lint", ...inFolder("resources"), ...pipelines.map(absolute)],
    ...(tests.length === 0 ? [] : [[...resources, ...templates, "test", ...tests.map(absolute)]]),
  ];
  const found = await Promise.all(runs.map((args) => complaints(binary, args, environment)));
  const readable = found
    .flat()
    .map((line) => line.replaceAll(`${directory.absolutePath}/`, `${directory.name}/`).replace(PLACE, "$1:$2: $3"));
  return { problems: [...problems, ...readable], unchecked: undefined };
}

/** What a run of Benthos complains about, a line each; nothing when it is content. */
async function complaints(binary: string, args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string[]> {
  try {
    await promisify(execFile)(binary, args, { env: { ...process.env, ...environment }, timeout: 60_000 });
    return [];
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    const lines = `${stdout ?? ""}${stderr ?? ""}`.split("\n").filter((line) => line.trim() !== "" && !line.endsWith(" succeeded"));
    return lines.length === 0 ? [message] : lines;
  }
}

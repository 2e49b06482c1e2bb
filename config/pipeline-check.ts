import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BenthosConfig } from "./benthos";
import type { NatsConfig } from "./nats";
import { missingResources } from "./pipeline-references";
import { brokenRoutes } from "./pipeline-routes";
import { pipelineFiles, PIPELINES_DIRECTORY, type PipelineFile } from "./pipelines";

/** A place in a file as Benthos writes it: `<path>(<line>,<column>) <message>`. */
const PLACE = /^(.*?)\((\d+),\d+\) (.*)$/;

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
  { pipelines }: BenthosConfig,
  nats: NatsConfig | undefined,
  binary: string,
  environment: Readonly<Record<string, string>>,
): Promise<PipelineCheck> {
  const files = pipelineFiles(Object.keys(pipelines));
  const problems = [
    ...missingResources([...files.shared, ...files.pipelines]),
    ...brokenRoutes(files.pipelines, nats?.streams ?? {}, environment),
  ];
  if (!existsSync(binary)) return { problems, unchecked: `${binary} is not there; npm run setup brings it` };
  const paths = (folder: string) => files.shared.filter(({ path }) => path.startsWith(`${folder}/`)).map(absolute);
  const shared = ["-r", join(PIPELINES_DIRECTORY, "resources/*.yaml"), "-t", join(PIPELINES_DIRECTORY, "templates/*.yaml")];
  const run = (...args: string[]) => complaints(binary, args, environment);
  const found = await Promise.all([
    run("template", "lint", ...paths("templates")),
    run(...shared.slice(2), "lint", ...paths("resources"), ...files.pipelines.map(absolute)),
    ...(files.tests.length === 0 ? [] : [run(...shared, "test", ...files.tests.map(absolute))]),
  ]);
  return { problems: [...problems, ...found.flat()], unchecked: undefined };
}

function absolute({ path }: PipelineFile): string {
  return join(PIPELINES_DIRECTORY, path);
}

/** What a run of Benthos complains about; nothing when it is content. */
async function complaints(binary: string, args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string[]> {
  try {
    await promisify(execFile)(binary, args, { env: { ...process.env, ...environment }, timeout: 60_000 });
    return [];
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    const lines = `${stdout ?? ""}${stderr ?? ""}`.split("\n").filter((line) => line.trim() !== "" && !line.endsWith(" succeeded"));
    return lines.length === 0 ? [message] : lines.map(readable);
  }
}

function readable(line: string): string {
  const [, file, row, message] = PLACE.exec(line) ?? [];
  return (file === undefined ? line : `${file}:${row}: ${message}`).replaceAll(`${PIPELINES_DIRECTORY}/`, "pipelines/");
}

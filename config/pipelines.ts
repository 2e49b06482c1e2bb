import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isScalar, parseDocument, visit } from "yaml";

/** A file of a directory of pipelines. */
export interface PipelineFile {
  /** Path below the directory. */
  readonly path: string;
  readonly text: string;
}

/** Templates, resources and pipelines. */
export interface PipelineDirectory {
  /** As the config names it, for messages. */
  readonly name: string;
  readonly absolutePath: string;
  /** In the order of their paths, unit tests included. */
  readonly files: readonly PipelineFile[];
}

/** The files that one Benthos process reads. */
export interface PipelineFiles {
  /** Templates and resources. */
  readonly shared: readonly PipelineFile[];
  /** The pipelines themselves. */
  readonly pipelines: readonly PipelineFile[];
  /** Their unit tests. */
  readonly tests: readonly PipelineFile[];
}

/** Folders that every pipeline shares. */
const SHARED = ["resources", "templates"] as const;

const TEST_SUFFIX = "_benthos_test.yaml";

/**
 * Reads a directory of pipelines.
 * @param name its path, absolute or below the project
 * @throws Error when it cannot be read
 */
export function readPipelines(name: string): PipelineDirectory {
  const absolutePath = resolve(__dirname, "..", name);
  const files = readdirSync(absolutePath, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml"))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(absolutePath, path), "utf8") }));
  return { name, absolutePath, files };
}

const isShared = ({ path }: PipelineFile) => SHARED.some((folder) => path.startsWith(`${folder}/`));
const isTest = ({ path }: PipelineFile) => path.endsWith(TEST_SUFFIX);

/** Names of the pipelines that there are: their paths without suffix. */
export function pipelineNames({ files }: PipelineDirectory): string[] {
  return files.filter((file) => !isShared(file) && !isTest(file)).map(({ path }) => path.replace(/\.yaml$/, ""));
}

/** Id of a pipeline in Benthos's streams mode, made as Benthos makes it of the path. */
export function streamId(pipeline: string): string {
  return pipeline.replaceAll("/", "_");
}

/**
 * The files of some pipelines and what they share.
 * @param names as pipelineNames returns them
 */
export function pipelineFiles({ files }: PipelineDirectory, names: readonly string[]): PipelineFiles {
  const ofNames = (suffix: string) => files.filter((file) => !isShared(file) && names.some((name) => file.path === name + suffix));
  return { shared: files.filter(isShared), pipelines: ofNames(".yaml"), tests: ofNames(TEST_SUFFIX) };
}

/** How often a pipeline uses a template. @param template such as `to_duckdb` */
export function usesOf(template: string, { text }: PipelineFile): number {
  let uses = 0;
  visit(parseDocument(text), {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === template) uses += 1;
    },
  });
  return uses;
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isScalar, parseDocument, visit } from "yaml";

/** A file below `pipelines/`. */
export interface PipelineFile {
  /** Path below `pipelines/`. */
  readonly path: string;
  readonly text: string;
}

/** The folder of templates, resources and pipelines. */
export const PIPELINES_DIRECTORY = join(__dirname, "..", "pipelines");

/** Folders that every pipeline shares. */
const SHARED = ["resources", "templates"] as const;

const TEST_SUFFIX = "_benthos_test.yaml";

/** All files below `pipelines/`, unit tests included, in the order of their paths. */
function allFiles(): PipelineFile[] {
  return readdirSync(PIPELINES_DIRECTORY, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml"))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(PIPELINES_DIRECTORY, path), "utf8") }));
}

const isShared = ({ path }: PipelineFile) => SHARED.some((folder) => path.startsWith(`${folder}/`));
const isTest = ({ path }: PipelineFile) => path.endsWith(TEST_SUFFIX);

/** Names of the pipelines that there are: their paths below `pipelines/` without suffix. */
export function pipelineNames(): string[] {
  return allFiles()
    .filter((file) => !isShared(file) && !isTest(file))
    .map(({ path }) => path.replace(/\.yaml$/, ""));
}

/** Id of a pipeline in Benthos's streams mode, made as Benthos makes it of the path. */
export function streamId(pipeline: string): string {
  return pipeline.replaceAll("/", "_");
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

/**
 * The files of some pipelines and what they share.
 * @param names as pipelineNames returns them
 */
export function pipelineFiles(names: readonly string[]): PipelineFiles {
  const all = allFiles();
  const ofNames = (suffix: string) => all.filter((file) => !isShared(file) && names.some((name) => file.path === name + suffix));
  return { shared: all.filter(isShared), pipelines: ofNames(".yaml"), tests: ofNames(TEST_SUFFIX) };
}

/** How many outputs of a pipeline run the DuckDB CLI. */
export function duckdbOutputs({ text }: PipelineFile): number {
  let outputs = 0;
  visit(parseDocument(text), {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === "to_duckdb") outputs += 1;
    },
  });
  return outputs;
}

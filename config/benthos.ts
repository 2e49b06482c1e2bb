import { z } from "zod";
import { pinnedVersions } from "./pins";
import { type PipelineDirectory, pipelineFiles, type PipelineFiles, pipelineNames, readPipelines, streamId, usesOf } from "./pipelines";
import { integer, keepVersions, object, port, programSource, whenSound } from "./schema";
import { size } from "./units";

const MIB = 2 ** 20;

/** GOMEMLIMIT as a share of the process cap: the Go collector works harder before the cap is met (https://go.dev/doc/gc-guide#Memory_limit). */
const GOMEMLIMIT_SHARE = 0.85;

/** What a run of the DuckDB CLI may use: its memory_limit in pipelines/templates/to_duckdb.yaml, and the program itself. An output has one run at a time. */
const DUCKDB_BYTES = 128 * MIB + 32 * MIB;

const versions = pinnedVersions("benthos");

const processMemory = size("64MiB", "1TB");

/** A process of its own: what a pipeline does to its memory or its event loop concerns no other. */
const processSchema = object({
  port: port.describe("HTTP API of a process of its own, on 127.0.0.1"),
  memory: processMemory.prefault("128MiB").describe("cap of a process of its own"),
});

const pipelineSchema = object({ process: processSchema.optional().describe("a process of its own; absent: the shared one") });

const PIPELINES = "allowed: pipelines by their path below directory without .yaml, such as { routing/jetstream_to_pulsar: {} }";

const DIRECTORY = "allowed: a directory with templates/, resources/ and pipelines, absolute or below the project";

/** A directory of pipelines, read. */
const directorySchema = z.string(DIRECTORY).transform((name, context): PipelineDirectory => {
  try {
    return readPipelines(name);
  } catch {
    context.addIssue({ code: "custom", message: DIRECTORY, input: name });
    return z.NEVER;
  }
});

const ENVIRONMENT =
  "allowed: variables in capitals and their values, without quotes, line breaks, backslashes and $; GOMEMLIMIT follows from memory";

/** The database of the template to_postgresql. */
export const POSTGRESQL_DSN = "POSTGRESQL_DSN";

/** A URL with a password: what is in the environment of a process can be read in more places than a file. */
const PASSWORD = /:\/\/[^/@\s]*:[^/@\s]+@/;

const environmentSchema = z
  .record(
    z.string().regex(/^(?!GOMEMLIMIT$)[A-Z][A-Z0-9_]*$/),
    z
      .string(ENVIRONMENT)
      .regex(/^[^"'`\\$\n]*$/, ENVIRONMENT)
      .refine((value) => !PASSWORD.test(value), {
        error: "allowed: no password; messaging:benthos.secrets takes what has one",
      }),
    { error: () => ENVIRONMENT },
  )
  .default({});

/** Names of secrets whose `NAME_FILE` is the stack's own. */
const OWN_SECRETS: readonly string[] = ["NATS_CA", "NATS_NKEY", "PULSAR_CA", "PULSAR_TOKEN"];

const SECRETS = `allowed: secrets of up to 64 KiB by names in capitals, other than ${OWN_SECRETS.join(", ")} and those of environment`;
const DSN =
  "allowed: postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %XX in the password for what a URL does not have (# is %23, / is %2F, @ is %40)";

/** What the PostgreSQL driver takes for a URL: about any other it complains with the whole of it, the password included. */
const POSTGRESQL_URL =
  /^postgres(ql)?:\/\/(([\w.~!$&'()*+,;=:-]|%[\dA-Fa-f]{2})*@)?[\w.-]+(:\d+)?\/([\w.~!$&'()*+,;=:@/?-]|%[\dA-Fa-f]{2})*$/;

const secretsSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*$/)
      .refine((name) => !OWN_SECRETS.includes(name)),
    z.string(SECRETS).min(1, SECRETS).max(65_536, SECRETS),
    { error: () => SECRETS },
  )
  .superRefine((secrets, context) => {
    const dsn = secrets[POSTGRESQL_DSN];
    if (dsn !== undefined && !POSTGRESQL_URL.test(dsn)) context.addIssue({ code: "custom", path: [POSTGRESQL_DSN], message: DSN });
  })
  .default({});

/**
 * `messaging:benthos`: pipelines between Pulsar, NATS and databases, run by Benthos in streams mode. Pipelines share one process unless they ask for one of
 * their own. https://v4.benthos.dev (archived documentation of Benthos 4)
 */
export const benthosSchema = object({
  version: z
    .enum(versions, `allowed: a pinned version (${versions.join(", ")})`)
    .default(versions[0])
    .describe("Benthos in our build"),
  source: programSource,
  keepVersions,
  memory: processMemory
    .prefault("192MiB")
    .describe("cap of the shared process, without the DuckDB CLI (160 MiB for each `to_duckdb`); GOMEMLIMIT is 85 % of it"),
  ports: object({ http: port.default(4195).describe("HTTP API, `/ready` and `/metrics`, on 127.0.0.1") }).prefault({}),
  auth: object({
    enabled: z
      .boolean("allowed: true or false, whether a password is asked for")
      .optional()
      .describe(
        "whether Benthos's HTTP API, and with it what pipelines accept over HTTP, asks for a password ([credentials.md](credentials.md#benthos)); without: as soon as pipelines have a secret, theirs or one for NATS or Pulsar",
      ),
    generation: integer("the number of the password", 1, 1_000_000)
      .default(1)
      .describe("number of the password; raising it makes another, and the one before is refused"),
  }).prefault({}),
  logLevel: z
    .enum(["ERROR", "WARN", "INFO", "DEBUG"], "allowed: ERROR, WARN, INFO or DEBUG")
    .default("WARN")
    .describe("verbosity of its log"),
  shutdownTimeoutSeconds: integer("seconds for what is under way when the process stops", 1, 3600)
    .default(20)
    .describe("how long what is under way may take when the process stops"),
  environment: environmentSchema.describe(
    "what the pipelines' `${NAME}` stand for, besides the stack's own addresses; no passwords: `secrets`",
  ),
  secrets: secretsSchema.describe(
    "as Pulumi secrets, what templates read from files, such as `POSTGRESQL_DSN` with a password ([credentials.md](credentials.md#databases-of-pipelines))",
  ),
  directory: directorySchema
    .prefault("pipelines")
    .describe("directory with `templates/`, `resources/` and pipelines, absolute or below the project"),
  pipelines: z
    .record(z.string(), pipelineSchema, PIPELINES)
    .refine((pipelines) => Object.keys(pipelines).length > 0, PIPELINES)
    .describe("files of `directory` without `.yaml`, such as `{ routing/jetstream_to_pulsar: {} }`"),
})
  .superRefine(
    ({ directory, pipelines }, context) => {
      const known = pipelineNames(directory);
      for (const name of Object.keys(pipelines)) {
        const message = `allowed: a file of ${directory.name}/ without .yaml: ${known.join(", ")}`;
        if (!known.includes(name)) context.addIssue({ code: "custom", path: ["pipelines", name], message });
      }
    },
    { when: whenSound("directory", "pipelines") },
  )
  .superRefine(
    ({ environment, secrets }, context) => {
      for (const name of Object.keys(secrets).filter((name) => name in environment || `${name}_FILE` in environment))
        context.addIssue({ code: "custom", path: ["secrets", name], message: SECRETS });
    },
    { when: whenSound("environment", "secrets") },
  )
  .transform((benthos) => {
    const processes = processesOf(benthos);
    return { ...benthos, processes, memoryBytes: processes.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) };
  });

/** One Benthos process. */
export interface BenthosProcess {
  /** Name of its service. */
  readonly name: string;
  /** Port of its HTTP API and metrics on 127.0.0.1. */
  readonly port: number;
  /** Config path that chooses the port. */
  readonly portPath: string;
  /** The pipelines that it runs, as paths below the directory without suffix. */
  readonly pipelines: readonly string[];
  readonly files: PipelineFiles;
  /** Soft limit of Go's memory in bytes. */
  readonly goMemLimitBytes: number;
  /** What the process and the programs that it runs may use at most, in bytes. */
  readonly memoryBytes: number;
}

/** Parsed `messaging:benthos`. */
export type BenthosConfig = z.output<typeof benthosSchema>;

interface BenthosInput {
  readonly memory: number;
  readonly ports: { readonly http: number };
  readonly directory: PipelineDirectory;
  readonly pipelines: Readonly<Record<string, z.output<typeof pipelineSchema>>>;
}

function processesOf({ memory, ports, directory, pipelines }: BenthosInput): BenthosProcess[] {
  const names = Object.keys(pipelines).sort();
  const plan = (name: string, port: number, portPath: string, own: readonly string[], capBytes: number): BenthosProcess => {
    const files = pipelineFiles(directory, own);
    const duckdb = files.pipelines.reduce((sum, file) => sum + usesOf("to_duckdb", file), 0);
    const goMemLimitBytes = Math.floor(capBytes * GOMEMLIMIT_SHARE);
    return { name, port, portPath, pipelines: own, files, goMemLimitBytes, memoryBytes: capBytes + duckdb * DUCKDB_BYTES };
  };
  const shared = names.filter((name) => pipelines[name]?.process === undefined);
  const together = shared.length === 0 ? [] : [plan("benthos", ports.http, "benthos.ports.http", shared, memory)];
  const alone = names.flatMap((name) => {
    const own = pipelines[name]?.process;
    return own === undefined
      ? []
      : [plan(`benthos-${streamId(name)}`, own.port, `benthos.pipelines.${name}.process.port`, [name], own.memory)];
  });
  return [...together, ...alone];
}

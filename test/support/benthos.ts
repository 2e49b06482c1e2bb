import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pinnedVersions } from "../../config/pins";
import { developmentBin } from "../../setup/environment";
import { artifactDir, platform } from "../../setup/paths";
import { Server } from "./processes";
import { eventually, freePorts, removeDirectory, temporaryDirectory } from "./temporary";

/** Our build of Benthos. */
export const BENTHOS = join(artifactDir("benthos", pinnedVersions("benthos")[0], platform()), "benthos");

/** The DuckDB CLI from PyPI. */
export const DUCKDB = join(dirname(developmentBin()), "duckdb_cli/duckdb");

/** The folder with templates, resources and pipelines. */
export const PIPELINES = join(__dirname, "..", "..", "pipelines");

/** Benthos in streams mode on a free port of 127.0.0.1, with its data in a temporary directory. */
export class Benthos {
  readonly data = temporaryDirectory();
  readonly url: string;
  readonly #streams = join(this.data, "streams");
  readonly #server: Server;

  private constructor(port: number, environment: NodeJS.ProcessEnv) {
    this.url = `http://127.0.0.1:${port}`;
    mkdirSync(this.#streams);
    const root = join(this.data, "benthos.yaml");
    writeFileSync(
      root,
      `http: { address: "127.0.0.1:${port}" }\nmetrics: { prometheus: {}, mapping: "meta path = deleted()" }\nlogger: { level: WARN }\n`,
    );
    const parts = ["-c", root, "-r", `${PIPELINES}/resources/*.yaml`, "-t", `${PIPELINES}/templates/*.yaml`];
    this.#server = new Server([BENTHOS, ...parts, "streams", this.#streams], join(this.data, "log"), {
      DATA: this.data,
      DUCKDB,
      GOMEMLIMIT: "150MiB",
      ...environment,
    });
  }

  /**
   * Starts pipelines and waits until all are connected.
   * @param pipelines paths below pipelines/ without suffix, or names with their YAML
   * @param environment what the pipelines' `${…}` stand for
   */
  static async start(pipelines: readonly (string | readonly [string, string])[], environment: NodeJS.ProcessEnv): Promise<Benthos> {
    const [port = 0] = await freePorts(1);
    const benthos = new Benthos(port, environment);
    for (const pipeline of pipelines) {
      const [name, text] = typeof pipeline === "string" ? [pipeline, undefined] : pipeline;
      const file = join(benthos.#streams, `${name}.yaml`);
      mkdirSync(dirname(file), { recursive: true });
      if (text === undefined) copyFileSync(join(PIPELINES, `${name}.yaml`), file);
      else writeFileSync(file, text);
    }
    await benthos.up().catch(async (error: unknown) => {
      await benthos.remove();
      throw error;
    });
    return benthos;
  }

  /** Starts it (again) and waits until all pipelines are connected. */
  async up(): Promise<void> {
    this.#server.start();
    await eventually("Benthos is ready", 60, async () => {
      if (this.#server.ended) throw new Error(this.log());
      return (await fetch(`${this.url}/ready`).catch(() => undefined))?.status === 200;
    });
  }

  /** Ends it, by default as a power failure would. */
  async down(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await this.#server.stop(signal);
  }

  /** Stops it and removes its data. */
  async remove(): Promise<void> {
    await this.down();
    removeDirectory(this.data);
  }

  /** Sum of the samples of a metric whose labels contain the given text. */
  async metric(name: string, labels = ""): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const samples = text.split("\n").filter((line) => line.startsWith(`${name}{`) && line.includes(labels));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  /** A file among its data. */
  file(name: string): string {
    return join(this.data, name);
  }

  /** Removes a file among its data. */
  delete(name: string): void {
    rmSync(this.file(name), { force: true });
  }

  /** What it has logged. */
  log(): string {
    return readFileSync(this.#server.logFile, "utf8");
  }
}

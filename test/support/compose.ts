import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { composedStack } from "../../compose/stack";
import { writeCompose } from "../../compose/write";
import { pinnedVersions } from "../../config/pins";
import { goBuild } from "../../setup/go";
import { cacheDir, platform, root } from "../../setup/paths";
import type { TestEngine } from "./engine";
import { tree } from "./machine";
import { run } from "./processes";
import type { Result } from "./test-stack";

/** Ports of compose.yaml by the variable that sets them. */
export type ComposePorts = Readonly<
  Record<"NATS_PORT" | "NATS_MONITORING_PORT" | "PULSAR_PORT" | "PULSAR_WEB_PORT" | "BENTHOS_PORT", number>
>;

/** What of a clone `docker compose up` reads. */
const CLONE = ["compose", "compose.yaml", "Makefile", "pipelines", "scripts"];

/** Images that take the place of those that come from a registry. */
const IMAGES = { NATS_IMAGE: "localhost/nats:test", PULSAR_IMAGE: "localhost/pulsar:test" };

/** compose.yaml on an engine of a test, run as its users do, in a clone of its own. */
export class TestCompose {
  readonly #clone: string;
  /** What `docker compose` and `make` run with. */
  readonly environment: NodeJS.ProcessEnv;

  constructor(
    readonly engine: TestEngine,
    readonly ports: ComposePorts,
  ) {
    this.#clone = join(engine.directory, "clone");
    for (const path of CLONE) cpSync(join(root, path), join(this.#clone, path), { recursive: true });
    this.environment = {
      ...process.env,
      ...IMAGES,
      ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
      DOCKER_HOST: engine.host,
      DOCKER_CONFIG: join(engine.directory, "client"),
    };
  }

  /** Brings the compose plugin, which is built where this machine has none, and the images. */
  async prepare(): Promise<void> {
    const plugins = join(this.engine.directory, "client/cli-plugins");
    mkdirSync(plugins, { recursive: true });
    symlinkSync(await builtPlugin(), join(plugins, "docker-compose"));
    const versions = {
      NATS_SERVER: pinnedVersions("nats-server")[0],
      NATS_CLI: pinnedVersions("nats")[0],
      GOJQ: pinnedVersions("gojq")[0],
      BENTHOS: pinnedVersions("benthos")[0],
      DUCKDB: pinnedVersions("duckdb")[0],
      PULSAR_VERSION: pinnedVersions("pulsar")[0],
      JRE: pinnedVersions("jre")[0],
      PLATFORM: platform(),
    };
    const { services } = parse(readFileSync(join(root, "compose.yaml"), "utf8")) as {
      readonly services: Readonly<Record<string, { readonly image: string }>>;
    };
    const context = join(this.engine.directory, "images");
    mkdirSync(context);
    const base = this.engine.importTree(tree());
    const names = [IMAGES.NATS_IMAGE, IMAGES.PULSAR_IMAGE, services["benthos"]?.image ?? ""];
    const script = join(__dirname, "compose-images.sh");
    const { status, stderr } = spawnSync("sh", [script, this.engine.host, base, context, join(cacheDir(), "artifacts"), ...names], {
      env: { ...process.env, ...versions },
      encoding: "utf8",
    });
    rmSync(context, { recursive: true });
    if (status !== 0) throw new Error(stderr);
  }

  /** Does what `npm run compose` does once Pulumi.dev.yaml has other settings. */
  configure(settings: Readonly<Record<string, unknown>>): void {
    writeCompose(composedStack("dev", settings), this.#clone);
  }

  /** Runs a line of a README in the clone. */
  shell(line: string): Result {
    const { status, stdout, stderr, error } = spawnSync("sh", ["-c", line], {
      cwd: this.#clone,
      env: this.environment,
      encoding: "utf8",
      timeout: 300_000,
    });
    if (error !== undefined) throw error;
    return { status, output: stdout + stderr };
  }

  /** Starts a line of a README that does not end by itself. The caller ends it. */
  start(line: string): ChildProcess {
    return spawn("sh", ["-c", `exec ${line}`], { cwd: this.#clone, env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
  }
}

/** The compose plugin, built from its pinned sources once for each cache. @returns its path */
async function builtPlugin(): Promise<string> {
  const module = join(root, "offline/docker-compose");
  const directory = join(
    cacheDir(),
    "docker-compose",
    createHash("sha256")
      .update(readFileSync(join(module, "go.sum")))
      .digest("hex")
      .slice(0, 12),
  );
  const plugin = join(directory, "docker-compose");
  if (!existsSync(plugin)) {
    mkdirSync(directory, { recursive: true });
    const version = /compose\/v2 (v\S+)/.exec(readFileSync(join(module, "go.mod"), "utf8"))?.[1] ?? "";
    await goBuild("docker-compose", {
      package: "github.com/docker/compose/v2/cmd",
      ldflags: `-s -w -X github.com/docker/compose/v2/internal.Version=${version}`,
      target: platform(),
      output: `${plugin}.new`,
    });
    renameSync(`${plugin}.new`, plugin);
  }
  run(plugin, "version");
  return plugin;
}

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { run, Server } from "./processes";
import { eventually, removeDirectory, temporaryDirectory } from "./temporary";

/** Programs that an engine takes. */
const NEEDED = ["dockerd", "docker", "iptables", "unshare", "debootstrap"];

/**
 * A suite whose tests take an engine of their own. Where none can be had it says why and declares nothing; in CI it fails then.
 * @param timeout milliseconds for all of it
 */
export function describeWithEngine(name: string, timeout: number, suite: () => void): void {
  const reason = noEngine();
  if (reason === undefined) void describe(name, { timeout }, suite);
  else if (process.env["CI"] === "true") throw new Error(`${name}: ${reason}`);
  else console.log(`${name}: not run, ${reason}`);
}

/** Why no engine can be had here; undefined where one can. */
function noEngine(): string | undefined {
  const reasons: string[] = [];
  if (process.platform !== "linux") reasons.push("it takes Linux");
  else if (process.getuid?.() !== 0) reasons.push("it takes root");
  const missing = NEEDED.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  if (missing.length > 0) reasons.push(`missing: ${missing.join(", ")}`);
  if (reasons.length === 0) reasons.push(...missingRights());
  return reasons.length === 0 ? undefined : `no Docker engine can be had here: ${reasons.join("; ")}`;
}

/** What the kernel refuses even to root, as in most containers. */
function missingRights(): string[] {
  const allowed = (program: string, ...args: string[]) => spawnSync(program, args).status === 0;
  return [
    ...(allowed("iptables", "--table", "nat", "--list-rules") ? [] : ["iptables is not allowed"]),
    ...(allowed("unshare", "--mount", "--pid", "--net", "--fork", "true") ? [] : ["namespaces are not allowed"]),
    ...(limitsMemory() ? [] : ["memory cgroups are not to be had"]),
  ];
}

/** Can cgroups with a cap of memory be made? */
function limitsMemory(): boolean {
  const [unified, separate] = ["/sys/fs/cgroup/cgroup.controllers", "/sys/fs/cgroup/memory"];
  try {
    if (existsSync(unified) && !readFileSync(unified, "utf8").includes("memory")) return false;
    accessSync(existsSync(unified) ? "/sys/fs/cgroup" : separate, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A real Docker engine of its own: socket, images, containers and networks below one temporary directory. */
export class TestEngine {
  readonly directory = temporaryDirectory();
  /** As in DOCKER_HOST. */
  readonly host = `unix://${join(this.directory, "docker.sock")}`;
  readonly #daemon: Server;

  private constructor() {
    const place = (name: string) => join(this.directory, name);
    mkdirSync(place("data"));
    const places = ["--data-root", place("data"), "--exec-root", place("exec"), "--pidfile", place("pid")];
    // No default bridge, because that of another engine on this machine may be there.
    this.#daemon = new Server(["dockerd", "--host", this.host, ...places, "--bridge", "none"], place("dockerd.log"));
  }

  /** Starts an engine and waits until it answers. */
  static async start(): Promise<TestEngine> {
    const engine = new TestEngine();
    await engine.start();
    return engine;
  }

  /** Starts the daemon, also again after stop(): what it had is there. */
  async start(): Promise<void> {
    this.#daemon.start();
    await eventually("the engine answers", 60, () => {
      if (this.#daemon.ended) throw new Error(`dockerd ended:\n${readFileSync(this.#daemon.logFile, "utf8").slice(-2000)}`);
      return this.try("version").status === 0;
    });
  }

  /** Stops the daemon, and its containers with it. */
  async stop(): Promise<void> {
    await this.#daemon.stop("SIGTERM");
  }

  /** Runs the docker CLI on the engine. @returns its standard output @throws Error when it fails */
  docker(...args: string[]): string {
    return run("docker", "--host", this.host, ...args);
  }

  /** Runs the docker CLI on the engine, whatever comes of it. */
  try(...args: string[]): { readonly status: number | null; readonly output: string } {
    const { status, stdout, stderr } = spawnSync("docker", ["--host", this.host, ...args], { encoding: "utf8" });
    return { status, output: stdout + stderr };
  }

  /** Makes an image of the files of a directory. @returns its id */
  importTree(directory: string): string {
    return run("sh", "-c", 'tar -C "$1" -c . | docker --host "$2" import -', "sh", directory, this.host).trim();
  }

  /** Stops everything and removes what there is of it. */
  async dispose(): Promise<void> {
    const containers = this.try("ps", "--all", "--quiet").output.trim();
    if (/^[0-9a-f\s]+$/.test(containers)) this.try("rm", "--force", "--volumes", ...containers.split("\n"));
    const networks = this.try("network", "ls", "--quiet", "--filter", "type=custom").output.trim();
    if (/^[0-9a-f\s]+$/.test(networks)) this.try("network", "rm", ...networks.split("\n"));
    await this.stop();
    removeDirectory(this.directory);
  }
}

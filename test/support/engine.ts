import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import { run, Server } from "./processes";
import { eventually, removeDirectory, temporaryDirectory } from "./temporary";

/** Programs that an engine takes. */
const NEEDED = ["dockerd", "docker", "iptables", "unshare", "debootstrap", "sshd", "ssh-agent"];

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
export function noEngine(): string | undefined {
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

/** What `docker inspect` says of a container, as far as it is asked. */
interface Inspected {
  readonly Name: string;
  readonly Config: { readonly User: string };
  readonly HostConfig: {
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly SecurityOpt: readonly string[];
    readonly RestartPolicy: { readonly Name: string };
    readonly LogConfig: { readonly Config: Readonly<Record<string, string>> };
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[]>>;
  };
  readonly Mounts: readonly { readonly Type: string; readonly Destination: string; readonly RW: boolean }[];
}

/** The rule of the host's firewall by which containers on one bridge reach each other, also where the policy is to drop, as other engines set it. */
const WITHIN_A_BRIDGE = ["FORWARD", "--match", "physdev", "--physdev-is-bridged", "--jump", "ACCEPT"];

/**
 * A real Docker engine of its own: socket, images, containers and networks below one temporary directory.
 * It leaves the host's firewall to others, because each engine that starts empties the chains of those that run. Ports on loopback are the proxy's anyway.
 */
export class TestEngine {
  readonly directory = temporaryDirectory();
  /** As in DOCKER_HOST. */
  readonly host = `unix://${join(this.directory, "docker.sock")}`;
  readonly #daemon: Server;

  private constructor() {
    const place = (name: string) => join(this.directory, name);
    mkdirSync(place("data"));
    const places = ["--data-root", place("data"), "--exec-root", place("exec"), "--pidfile", place("pid")];
    // Addresses that no network has (RFC 2544), others for each engine. No default bridge: that of another engine may be there.
    const pool = `base=198.18.${process.pid % 256}.0/24,size=28`;
    const network = ["--bridge", "none", "--default-address-pool", pool, "--iptables=false", "--ip6tables=false"];
    this.#daemon = new Server(["dockerd", "--host", this.host, ...places, ...network], place("dockerd.log"));
    run("iptables", "--insert", ...WITHIN_A_BRIDGE);
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
    await eventually("the engine answers or ends", 60, () => this.#daemon.ended || this.try("version").status === 0);
    if (this.#daemon.ended) throw new Error(`dockerd ended:\n${readFileSync(this.#daemon.logFile, "utf8").slice(-2000)}`);
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

  /** Asserts that containers may do nothing but serve: capped without swap, read-only, without capabilities, not root, on loopback only. @returns what they are */
  confined(...containers: readonly string[]): readonly Inspected[] {
    const inspected = JSON.parse(this.docker("inspect", ...containers)) as readonly Inspected[];
    for (const { Name, Config, HostConfig } of inspected) {
      assert.ok(HostConfig.Memory > 0 && HostConfig.MemorySwap === HostConfig.Memory, Name);
      assert.equal(HostConfig.ReadonlyRootfs, true, Name);
      assert.deepEqual(HostConfig.CapDrop, ["ALL"], Name);
      assert.match(HostConfig.SecurityOpt.join(" "), /^no-new-privileges(:true)?$/, Name);
      assert.equal(HostConfig.RestartPolicy.Name, "unless-stopped", Name);
      assert.equal(HostConfig.LogConfig.Config["max-size"], "50m", Name);
      assert.match(Config.User, /^[1-9]\d*:/, Name);
      const addresses = Object.values(HostConfig.PortBindings).flatMap((bindings) => bindings.map(({ HostIp }) => HostIp));
      assert.deepEqual(new Set(addresses), new Set(["127.0.0.1"]), Name);
    }
    return inspected;
  }

  /** Makes an image of the files of a directory, with a name: one without goes with the last image that is built on it. @returns its id */
  importTree(directory: string): string {
    return run("sh", "-c", 'tar -C "$1" -c . | docker --host "$2" import - tree', "sh", directory, this.host).trim();
  }

  /** Stops everything and removes what there is of it. */
  async dispose(): Promise<void> {
    const containers = this.try("ps", "--all", "--quiet").output.trim();
    if (/^[0-9a-f\s]+$/.test(containers)) this.try("rm", "--force", "--volumes", ...containers.split("\n"));
    const networks = this.try("network", "ls", "--quiet", "--filter", "type=custom").output.trim();
    if (/^[0-9a-f\s]+$/.test(networks)) this.try("network", "rm", ...networks.split("\n"));
    await this.stop();
    run("iptables", "--delete", ...WITHIN_A_BRIDGE);
    removeDirectory(this.directory);
  }
}

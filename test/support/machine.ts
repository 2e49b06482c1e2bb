import { createHash } from "node:crypto";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe } from "node:test";
import { cacheDir } from "../../setup/paths";
import { run } from "./processes";
import { eventually, freePorts, removeDirectory, temporaryDirectory } from "./temporary";

const SCRIPT = join(__dirname, "machine.sh");
const FORWARD = join(__dirname, "forward.mjs");

/** Programs that a machine takes on this side. */
const NEEDED = ["unshare", "nsenter", "setpriv", "flock", "debootstrap", "ssh", "ssh-keygen", "ip"];

/**
 * A suite whose tests take machines. Where none can be had it says why and declares nothing; in CI it fails then.
 * @param timeout milliseconds for all of it
 */
export function describeWithMachines(name: string, timeout: number, suite: () => void): void {
  const reason = noMachines();
  if (reason === undefined) void describe(name, { timeout }, suite);
  else if (process.env["CI"] === "true") throw new Error(`${name}: ${reason}`);
  else console.log(`${name}: not run, ${reason}`);
}

/** Why no machines can be had here; undefined where they can. */
export function noMachines(): string | undefined {
  const reasons: string[] = [];
  if (process.platform !== "linux") reasons.push("they take Linux");
  else if (process.getuid?.() !== 0) reasons.push("they take root");
  const missing = NEEDED.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  if (missing.length > 0) reasons.push(`missing: ${missing.join(", ")}`);
  if (reasons.length === 0 && spawnSync("unshare", ["--mount", "--pid", "--net", "--cgroup", "--fork", "true"]).status !== 0)
    reasons.push("namespaces are not allowed");
  return reasons.length === 0 ? undefined : `no machines with systemd and sshd can be had here: ${reasons.join("; ")}`;
}

/** The tree that machines are laid over; made when it is missing, which takes about a minute. @param packages that it has besides */
export function tree(packages: readonly string[] = []): string {
  const recipe = createHash("sha256").update(readFileSync(SCRIPT)).digest("hex").slice(0, 12);
  const wanted = join(cacheDir(), ["test-machine", ...packages].join("-"), recipe);
  if (!existsSync(wanted)) run("sh", SCRIPT, "tree", wanted, ...packages);
  return wanted;
}

/** A real systemd with sshd, in namespaces of its own; only its sshd can be reached, on a port of 127.0.0.1. */
export class Machine {
  /** Everything the machine writes. */
  readonly directory = temporaryDirectory();
  readonly port: number;
  /** Private key of its users, in OpenSSH's format. */
  readonly privateKey: string;
  /** As in authorized_keys: type and base64. */
  readonly hostKey: string;
  readonly #tree: string;
  #process: ChildProcess | undefined;
  #forward: ChildProcess | undefined;

  private constructor(port: number, packages: readonly string[]) {
    this.port = port;
    this.#tree = tree(packages);
    const key = (name: string, comment: string) => {
      const file = join(this.directory, name);
      run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file);
      return { secret: readFileSync(file, "utf8"), public: readFileSync(`${file}.pub`, "utf8") };
    };
    const host = key("host_key", "host");
    const user = key("user_key", "driver");
    this.hostKey = host.public.split(" ").slice(0, 2).join(" ");
    this.privateKey = user.secret;
    this.#write("etc/ssh/ssh_host_ed25519_key", host.secret, 0o600);
    this.#write("etc/ssh/ssh_host_ed25519_key.pub", host.public, 0o644);
    this.#write("etc/hostname", "machine\n", 0o644);
    this.#write("etc/hosts", "127.0.0.1 localhost\n127.0.1.1 machine\n", 0o644);
    this.#write("root/.ssh/authorized_keys", user.public, 0o600);
    this.#write("etc/ssh/sshd_config.d/test.conf", "LogLevel VERBOSE\nHostKey /etc/ssh/ssh_host_ed25519_key\n", 0o644);
  }

  /**
   * Boots a machine.
   * @param without programs that it lacks, as paths below /usr
   * @param packages of Debian that it has besides
   */
  static async boot(without: readonly string[] = [], packages: readonly string[] = []): Promise<Machine> {
    const [port = NaN] = await freePorts(1);
    const machine = new Machine(port, packages);
    await machine.start();
    for (const path of without) machine.exec(`rm -f /usr/${path}`);
    return machine;
  }

  #write(path: string, text: string, mode: number): void {
    const file = join(this.directory, "upper", path);
    mkdirSync(join(file, ".."), { recursive: true, mode: path.startsWith("root/") ? 0o700 : 0o755 });
    writeFileSync(file, text, { mode });
  }

  /** Switches it on. */
  async start(): Promise<void> {
    // It ends with this process, however that ends.
    this.#process = spawn("setpriv", ["--pdeathsig", "KILL", "sh", SCRIPT, "boot", this.#tree, this.directory], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    await eventually("the machine runs", 60, () => this.#running());
    await this.plugIn();
  }

  /** Connects it to the network. */
  async plugIn(): Promise<void> {
    this.#forward = spawn(process.execPath, [FORWARD, String(this.port), String(this.#init())], { stdio: ["ignore", "ignore", "inherit"] });
    await eventually(
      "its sshd answers",
      20,
      () => spawnSync("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${this.port} && read -r -t 2 -u 3 banner`]).status === 0,
    );
  }

  #running(): boolean {
    if (this.#process?.exitCode !== null) throw new Error("the machine does not boot");
    const init = this.#init();
    if (init === undefined) return false;
    const { stdout } = spawnSync("nsenter", ["-t", String(init), "-a", "systemctl", "is-system-running"], { encoding: "utf8" });
    return /running|degraded/.test(stdout);
  }

  /** Process id of its init, seen from here. */
  #init(): number | undefined {
    const children = readFileSync(`/proc/${this.#process?.pid}/task/${this.#process?.pid}/children`, "utf8").trim();
    return children === "" ? undefined : Number(children.split(" ")[0]);
  }

  /** Runs a shell command on it as root, past sshd. @returns standard output @throws Error when it fails */
  exec(command: string): string {
    return run("nsenter", "-t", String(this.#init()), "-a", "sh", "-c", command);
  }

  /** Brings a file to it. @param path absolute, on the machine; its directory is there */
  copy(file: string, path: string): void {
    run("cp", file, `/proc/${String(this.#init())}/root${path}`);
  }

  /** Starts a program of this machine in its network. The caller stops it. */
  spawnInNetwork(program: string, ...args: string[]): ChildProcess {
    return spawn("nsenter", ["-t", String(this.#init()), "-n", program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Makes a user with the key of the machine. @param sudo may it become root without a password? */
  addUser(name: string, sudo: boolean): void {
    this.exec(
      `useradd -m -s /bin/sh ${name} && install -d -m 700 -o ${name} -g ${name} /home/${name}/.ssh &&
       install -m 600 -o ${name} -g ${name} /root/.ssh/authorized_keys /home/${name}/.ssh/ &&
       ${sudo ? `echo '${name} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/${name}` : "true"}`,
    );
  }

  /** Cuts every connection to it. */
  async unplug(): Promise<void> {
    if (this.#forward?.exitCode !== null) return;
    const ended = once(this.#forward, "exit");
    this.#forward.kill();
    await ended;
  }

  /** Switches it off at once, as a power failure does; what it has written stays. */
  async powerOff(): Promise<void> {
    await this.unplug();
    if (this.#process?.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  /** Reboots it in an orderly way. */
  async reboot(): Promise<void> {
    await this.unplug();
    if (this.#process === undefined) throw new Error("the machine is off");
    const ended = once(this.#process, "exit");
    spawnSync("nsenter", ["-t", String(this.#init()), "-a", "systemctl", "reboot"]);
    await ended;
    await this.start();
  }

  /** Switches it off and removes it. */
  async dispose(): Promise<void> {
    await this.powerOff();
    removeDirectory(this.directory);
    const name = `messaging-test-${basename(this.directory)}`;
    for (const hierarchy of ["", ...readdirSync("/sys/fs/cgroup")]) {
      spawnSync("find", [join("/sys/fs/cgroup", hierarchy, name), "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], {
        stdio: "ignore",
      });
    }
  }
}

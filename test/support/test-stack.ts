import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { ledgerProgram } from "../../hosts/scripts";
import { parseSamples, type ServiceSample } from "../../operations/status-report";
import { pulumiEnvironment } from "../../setup/environment";
import { freePorts, removeDirectory, temporaryDirectory } from "./temporary";

/** npm scripts that take stack settings. */
const OPERATIONS: readonly string[] = ["up", "preview", "destroy", "doctor", "upgrade"];

const PROJECT = join(__dirname, "..", "..");

/** A process that a stack keeps running. */
type Service = "benthos" | "nats-server" | "pulsar" | "supervisord";

/** What a command printed and how it ended. */
export interface Result {
  readonly status: number | null;
  /** Standard output and standard error together. */
  readonly output: string;
}

/** One step of `pulumi preview --json`. */
export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: { readonly inputs: Readonly<Record<string, string>> };
  readonly newState?: { readonly inputs: Readonly<Record<string, string>> };
}

/** A real stack of this project with state, prefix and ports of its own, all in one temporary directory. */
export class TestStack {
  readonly directory = temporaryDirectory();
  readonly prefix = join(this.directory, "p");
  /** XDG_CONFIG_HOME of every command, so that nothing is written into the user's own configuration. */
  readonly configHome = join(this.directory, "config");
  readonly configFile = join(this.directory, "Pulumi.test.yaml");
  readonly client: number;
  readonly monitoring: number;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(ports: readonly number[], environment: NodeJS.ProcessEnv) {
    [this.client, this.monitoring] = ports as [number, number];
    this.#environment = { ...environment, XDG_CONFIG_HOME: this.configHome };
    this.configure({});
  }

  /** A stack whose commands are given straight to the pulumi CLI. */
  static async forPulumi(): Promise<TestStack> {
    const stack = new TestStack(await freePorts(2), { ...pulumiEnvironment(), PULUMI_STACK: "test", PULUMI_CONFIG_PASSPHRASE: "test" });
    const state = join(stack.directory, "state");
    mkdirSync(state);
    // For those npm scripts that such a stack runs all the same.
    stack.#environment["XDG_STATE_HOME"] = join(stack.directory, "state-home");
    stack.#environment["PULUMI_BACKEND_URL"] = `file://${state}`;
    // `stack init` writes an encryption salt beside the project file it finds, hence a project file of its own.
    copyFileSync(join(PROJECT, "Pulumi.yaml"), join(state, "Pulumi.yaml"));
    const { status, output } = stack.pulumi("stack", "init", "test", "--cwd", state);
    if (status !== 0) throw new Error(output);
    return stack;
  }

  /** A stack whose commands are npm scripts, as users run them. */
  static async forNpmScripts(): Promise<TestStack> {
    const stack = new TestStack(await freePorts(2), { ...process.env, PULUMI_STACK: "test" });
    stack.#environment["XDG_STATE_HOME"] = join(stack.directory, "state");
    return stack;
  }

  /** Writes the stack settings. @param nats overrides below messaging:nats @param rest other messaging keys */
  configure(nats: Record<string, unknown>, rest: Record<string, unknown> = {}): void {
    const settings = {
      hosts: { local: { prefix: this.prefix } },
      nats: { memory: "200MB", ports: { client: this.client, monitoring: this.monitoring }, jetstream: { maxFileStore: "1GB" }, ...nats },
      ...rest,
    };
    this.#write(settings);
  }

  #write(settings: Readonly<Record<string, unknown>>): void {
    const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`messaging:${key}`, value]));
    writeFileSync(this.configFile, stringify({ config }));
  }

  /** Writes the stack settings without the NATS that tests have by default. */
  configureWithoutNats(settings: Record<string, unknown>): void {
    this.#write({ hosts: { local: { prefix: this.prefix } }, ...settings });
  }

  /** Adds a secret to the stack settings, encrypted. @param path below `messaging:`, such as `hosts.edge.privateKey` */
  setSecret(path: string, value: string): void {
    const args = ["config", "set", "--secret", "--path", `messaging:${path}`, "--config-file", this.configFile];
    const { status, output } = this.#run(process.execPath, this.#script("pulumi", args), value);
    if (status !== 0) throw new Error(output);
  }

  /** Addresses other than loopback on which a service of the stack listens. */
  listenersBeyondLoopback(service: Service): string[] {
    const { stdout } = spawnSync("ss", ["-Hltnp"], { encoding: "utf8" });
    return stdout
      .split("\n")
      .filter((line) => line.includes(`pid=${this.pid(service)},`))
      .map((line) => line.trim().split(/\s+/)[3] ?? "")
      .filter((address) => !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address));
  }

  /** Runs a program in the environment of the stack. */
  run(program: string, ...args: string[]): Result {
    return this.#run(program, args);
  }

  /** Runs the pulumi CLI. */
  pulumi(...args: string[]): Result {
    return this.#run("pulumi", args);
  }

  /** Runs an operation of the pulumi CLI on this stack's settings. */
  operate(operation: "up" | "preview" | "destroy", ...args: string[]): Result {
    const confirm = operation === "preview" ? [] : ["--yes", "--skip-preview"];
    return this.pulumi(operation, "--non-interactive", "--config-file", this.configFile, ...confirm, ...args);
  }

  /** Starts an up of the pulumi CLI and does not wait. */
  startUp(...args: string[]): ChildProcess {
    const all = ["up", "--non-interactive", "--config-file", this.configFile, "--yes", "--skip-preview", ...args];
    return spawn("pulumi", all, { cwd: PROJECT, env: this.#environment, stdio: ["ignore", "pipe", "pipe"] });
  }

  /** The steps of a preview that are no `same`. */
  changes(): Step[] {
    const { status, output } = this.operate("preview", "--json");
    if (status !== 0) throw new Error(output);
    const { steps } = JSON.parse(output.slice(output.indexOf("{"))) as { steps: Step[] };
    return steps.filter(({ op }) => op !== "same");
  }

  /** Runs an npm script on this stack's settings, standard input closed. */
  npmScript(script: string, ...args: string[]): Result {
    return this.#run(process.execPath, this.#script(script, args));
  }

  /** Starts an npm script as the leader of a process group. */
  startNpmScript(script: string, ...args: string[]): ChildProcess {
    return spawn(process.execPath, this.#script(script, args), {
      cwd: PROJECT,
      env: this.#environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs the nats CLI that the stack installed. */
  nats(...args: string[]): Result {
    const [program, ...all] = this.#natsCli(args);
    return this.#run(program, all);
  }

  /** Starts the nats CLI and does not wait. */
  startNats(...args: string[]): ChildProcess {
    const [program, ...all] = this.#natsCli(args);
    return spawn(program, all, { env: this.#environment, stdio: "ignore" });
  }

  #natsCli(args: readonly string[]): [program: string, ...args: string[]] {
    return [join(this.prefix, "opt/nats/current/nats"), "--no-context", "--server", `nats://127.0.0.1:${this.client}`, ...args];
  }

  /** What `npm run status` learns from the host. */
  samples(): ServiceSample[] {
    const program = ledgerProgram("status.sh", this.prefix, "messaging/test");
    return parseSamples(this.run("sh", "-c", `sh -s <<'END OF PROGRAM'\n${program}END OF PROGRAM`).output);
  }

  /** A monitoring endpoint of the server, or undefined while it does not answer. Each call has a connection of its own: servers come and go. */
  async monitor(endpoint: string): Promise<Record<string, unknown> | undefined> {
    try {
      const request = get({ host: "127.0.0.1", port: this.monitoring, path: `/${endpoint}`, agent: false, timeout: 2000 });
      const [answer] = (await once(request, "response")) as [IncomingMessage];
      return (await json(answer)) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }

  /** Id of a process that the stack runs. */
  pid(service: Service): number {
    return Number(readFileSync(join(this.prefix, "run", `${service}.pid`), "utf8"));
  }

  /** Stops what runs below the prefix and removes the directory, whatever state the test left. */
  dispose(): void {
    const supervisord = spawnSync("cat", [join(this.prefix, "run/supervisord.pid")], { encoding: "utf8" }).stdout.trim();
    if (supervisord !== "")
      spawnSync("sh", ["-c", `kill -TERM ${supervisord} && while kill -0 ${supervisord}; do sleep 0.2; done`], { timeout: 30_000 });
    removeDirectory(this.directory);
  }

  #script(script: string, args: readonly string[]): string[] {
    return [join(PROJECT, "setup/run.js"), script, ...(OPERATIONS.includes(script) ? ["--config-file", this.configFile] : []), ...args];
  }

  #run(command: string, args: readonly string[], input?: string): Result {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: PROJECT,
      env: this.#environment,
      encoding: "utf8",
      timeout: 600_000,
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(input === undefined ? {} : { input }),
      maxBuffer: 64 * 2 ** 20,
    });
    if (error !== undefined) throw error;
    return { status, output: stdout + stderr };
  }
}

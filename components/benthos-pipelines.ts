import * as pulumi from "@pulumi/pulumi";
import { type BenthosConfig, type BenthosProcess, POSTGRESQL_DSN } from "../config/benthos";
import { derived, passwordHash } from "../config/credentials";
import type { NatsConfig } from "../config/nats";
import type { NatsAuth } from "../config/nats-auth";
import { checkPipelines, type PipelineSystems } from "../config/pipeline-check";
import { streamId, usesOf } from "../config/pipelines";
import { pinnedVersions } from "../config/pins";
import type { PulsarConfig } from "../config/pulsar";
import { PIPELINES_ROLE } from "../config/pulsar-auth";
import { clientCertificateText, PIPELINES } from "../config/tls";
import { type Follows, type Host, LOOPBACK, type Peers, type Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import { digest } from "../hosts/scripts";
import type { TaskText } from "../hosts/task";
import { apiCurl, benthosDirectory, benthosEnv, benthosSecretEnv } from "../render/benthos";
import { artifact, cachedExecutable } from "../tasks/artifact";
import { benthosGuard, type Downstream } from "../tasks/benthos-guard";
import { benthosVerify } from "../tasks/benthos-verify";
import { configDirectory } from "../tasks/config-directory";
import { configFile } from "../tasks/config-file";
import { dataDirectory } from "../tasks/data-directory";
import { homebrewTask, program, type ProgramArgs } from "../tasks/homebrew";
import { type SecretFile, secretFile } from "../tasks/secret-file";
import { generationSecrets, type Secret } from "../tasks/secrets";
import { currentLink, service } from "../tasks/service";
import { type ServiceAccount, serviceAccount } from "../tasks/service-account";
import type { HostTools } from "./host-tools";
import { listeners } from "./listeners";
import { certificate, type CertificatePaths, trustedPath } from "../tasks/certificates";
import { natsUrls, storeDirectory } from "./nats-jetstream";
import { pulsarAdminUrl, pulsarHealthUrl, pulsarPeerUrl, pulsarStorage } from "./pulsar-standalone";

const BENTHOS = "benthos";

/** What the pipelines of a host need. */
export interface BenthosPipelinesArgs {
  readonly host: Host;
  readonly tools: HostTools;
  readonly benthos: BenthosConfig;
  readonly systems: PipelineSystems;
  /** The key that pipelines connect to NATS with, where it asks for one. */
  readonly natsKey?: Secret | undefined;
  /** The token that they connect to Pulsar with, where it asks for one. */
  readonly pulsarToken?: Secret | undefined;
  /** What the pipelines read and write is there. */
  readonly after: readonly Task[];
}

/** What users of the pipelines need to know. */
export interface BenthosEndpoints {
  /** HTTP API of the process that pipelines share, or of the only one. */
  readonly apiUrl: pulumi.Output<string>;
  /** Prometheus metrics of the same process. */
  readonly metricsUrl: pulumi.Output<string>;
  /** Id of each pipeline and the HTTP API of its process. */
  readonly pipelines: pulumi.Output<Readonly<Record<string, string>>>;
  readonly version: pulumi.Output<string>;
  /** What the API and the pipelines' HTTP inputs ask the user `messaging` for, a secret; undefined where they ask nobody. */
  readonly password?: pulumi.Output<string>;
}

/** Does the API ask for a password? Whoever may give it a pipeline reads what pipelines read. */
export function asksForPassword(benthos: BenthosConfig, { nats, pulsar }: Pick<PipelineSystems, "nats" | "pulsar">): boolean {
  const secrets = nats?.auth !== undefined || pulsar?.auth !== undefined || Object.keys(benthos.secrets).length > 0;
  return benthos.auth.enabled ?? secrets;
}

/**
 * What the pipelines' `${…}` stand for: the systems of the stack, where data go, what the host reports about itself, the DuckDB CLI, and what the config adds or sets otherwise.
 * @param host where they run; undefined: on a machine that only checks them
 */
export function pipelineEnvironment(
  benthos: BenthosConfig,
  { nats, pulsar }: PipelineSystems,
  layout: Layout,
  host?: Peers,
): Readonly<Record<string, string>> {
  return {
    ...(nats === undefined ? {} : natsEnvironment(nats, layout, host)),
    ...(pulsar === undefined ? {} : pulsarEnvironment(pulsar, layout, host)),
    DATA: layout.data(BENTHOS),
    DIRECTORIES: [...(isAlone(host) ? [] : storageOf({ nats, pulsar }, layout)), layout.data(BENTHOS)].join(" "),
    DRIFT_CHECK: layout.driftCheck,
    DUCKDB: duckdbPath(layout),
    ...benthos.environment,
    ...Object.fromEntries(Object.keys(benthos.secrets).map((name) => [`${name}_FILE`, readSecret(secretPath(layout, name), host)])),
  };
}

/** The certificates that pipelines know servers by. */
function trusted({ nats, pulsar }: PipelineSystems, layout: Layout): string[] {
  const paths = [nats?.tls && trustedPath(layout, "nats", nats.tls), pulsar?.tls && trustedPath(layout, "pulsar", pulsar.tls)];
  return [...new Set(paths.filter((path) => path !== undefined))];
}

/** Does a process see nothing of the others, as in a container? */
function isAlone(host: Peers | undefined): boolean {
  return host !== undefined && host.peer(BENTHOS) !== LOOPBACK;
}

/** Directories that the systems of a host store in. */
function storageOf({ nats, pulsar }: Pick<PipelineSystems, "nats" | "pulsar">, layout: Layout): string[] {
  return [...(nats === undefined ? [] : [storeDirectory(nats, layout)]), ...(pulsar === undefined ? [] : pulsarStorage(pulsar, layout))];
}

function natsEnvironment(nats: NatsConfig, layout: Layout, host: Peers | undefined): Readonly<Record<string, string>> {
  const { url, monitoringUrl } = natsUrls(nats, host?.peer("nats-server"));
  return {
    NATS_URL: url,
    NATS_MONITORING_URL: monitoringUrl,
    ...(nats.auth === undefined ? {} : { NATS_NKEY_FILE: natsKeyPath(nats.auth, layout) }),
    ...(nats.tls === undefined ? {} : { NATS_TLS: "true", NATS_CA_FILE: trustedPath(layout, "nats", nats.tls) }),
    ...(nats.tls?.clients === undefined ? {} : { NATS_CLIENT_CERTS: clientCerts(layout) }),
  };
}

/** What the pipelines show NATS, as Benthos has it in YAML. */
function clientCerts(layout: Layout): string {
  const { certificate, key } = clientPaths(layout);
  return `[{cert_file: ${certificate}, key_file: ${key}}]`;
}

function clientPaths(layout: Layout): CertificatePaths {
  return { certificate: layout.etc(BENTHOS, "client.pem"), key: layout.etc(BENTHOS, "client.key") };
}

function pulsarEnvironment(pulsar: PulsarConfig, layout: Layout, host: Peers | undefined): Readonly<Record<string, string>> {
  const server = host?.peer("pulsar");
  return {
    PULSAR_URL: pulsarPeerUrl(pulsar, host),
    PULSAR_ADMIN_URL: pulsarAdminUrl(pulsar, server),
    PULSAR_HEALTH_URL: pulsarHealthUrl(pulsar, server),
    ...(pulsar.auth === undefined ? {} : { PULSAR_TOKEN_FILE: readSecret(pulsarTokenPath(layout), host) }),
    ...(pulsar.tls === undefined ? {} : { PULSAR_CA_FILE: trustedPath(layout, "pulsar", pulsar.tls) }),
  };
}

function pulsarTokenPath(layout: Layout): string {
  return layout.etc(BENTHOS, "pulsar.token");
}

function secretPath(layout: Layout, name: string): string {
  return layout.etc(BENTHOS, `${name}.secret`);
}

function secretEnvPath(layout: Layout): string {
  return layout.etc(BENTHOS, "api_env.sh");
}

/** Where a template reads a secret; it is empty on a machine that only checks the pipelines. */
function readSecret(path: string, host: Peers | undefined): string {
  return host === undefined ? "/dev/null" : path;
}

/** Each generation of the key has a file of its own, so that a rotation changes the environment, and the processes start with it. */
function natsKeyPath({ generation }: NatsAuth, layout: Layout): string {
  return layout.etc(BENTHOS, `nats-${generation}.nk`);
}

/**
 * What is wrong with the pipelines of a stack, found on this machine before anything is touched: a line each. Warns where Benthos itself is not here to be
 * asked; the host asks it in any case.
 */
export async function brokenPipelines(benthos: BenthosConfig, systems: PipelineSystems, layout: Layout): Promise<readonly string[]> {
  const binary = cachedExecutable(BENTHOS, benthos.version);
  const { problems, unchecked } = await checkPipelines(benthos, systems, binary, pipelineEnvironment(benthos, systems, layout));
  if (unchecked !== undefined) await pulumi.log.warn(`benthos lint and the pipelines' unit tests run on the host only: ${unchecked}`);
  return problems;
}

function benthosProgram({ version }: BenthosConfig): ProgramArgs {
  return { task: BENTHOS, name: BENTHOS, version, link: false };
}

function writesToPostgresql({ processes }: BenthosConfig): boolean {
  return processes.some(({ files }) => files.pipelines.some((file) => usesOf("to_postgresql", file) > 0));
}

/** What a preview asks the host about before anything is declared: Homebrew, and databases that are not of this stack. */
export function benthosGuarded(benthos: BenthosConfig): TaskText[] {
  const key = POSTGRESQL_DSN in benthos.secrets ? "secrets" : "environment";
  const dsn = benthos[key][POSTGRESQL_DSN];
  const fromHomebrew = benthos.source === "homebrew" ? [homebrewTask(benthosProgram(benthos))] : [];
  if (!writesToPostgresql(benthos)) return fromHomebrew;
  const { hostname, port } = new URL(dsn ?? "postgres://127.0.0.1");
  const downstream: Downstream = {
    host: hostname,
    port: Number(port === "" ? 5432 : port),
    what: `messaging:benthos.${key}.${POSTGRESQL_DSN}`,
  };
  return [...fromHomebrew, benthosGuard([downstream])];
}

/** Benthos on one host: its pipelines checked, deployed and proven, a changed one replaced while the others run. */
export class BenthosPipelines extends pulumi.ComponentResource {
  readonly endpoints: BenthosEndpoints;
  /** What the API asks for; undefined where it asks nobody. */
  readonly password: Secret | undefined;

  constructor(args: BenthosPipelinesArgs, options?: pulumi.ComponentResourceOptions) {
    const { host, benthos } = args;
    const pipelines = Object.keys(benthos.pipelines);
    super(
      "messaging:index:BenthosPipelines",
      `${host.key}-benthos`,
      { memoryBytes: benthos.memoryBytes, pipelines: pipelines.map(streamId) },
      options,
    );
    const { task: installed, version } = program(host, this, benthos.source, { ...benthosProgram(benthos), gojq: args.tools.gojq });
    const duckdb = artifact(host, this, { task: "duckdb", name: "duckdb", version: pinnedVersions("duckdb")[0], link: true });
    const account = serviceAccount(host, this, BENTHOS);
    const data = dataDirectory(host, this, { name: "benthos-data", path: host.layout.data(BENTHOS), account });
    this.password = this.#password(args);
    const secrets = [
      ...this.#pulsarToken(args, account),
      ...this.#secrets(args, account, { installed, version }),
      ...this.#passwordFiles(args, account),
    ];
    const shown = this.#certificate(args, account);
    const after = [installed, duckdb, data, ...this.#natsKey(args, account), ...shown, ...secrets];
    const follows = followed([...secrets.map(({ fingerprint }) => fingerprint), ...shown.map((task) => task.digest)]);
    const services = benthos.processes.map((process) => this.#process(args, process, { version, account, follows, after }));
    const [first] = benthos.processes;
    const [running] = services;
    if (first === undefined || running === undefined) throw new Error("messaging:benthos has no pipelines");
    const proofs = this.#proofs(args, apiUrl(first), running, follows);
    // Known only when the processes are proven, so that whoever takes an endpoint waits for that.
    const proven = <T>(value: T) => pulumi.all([...services, ...proofs].map(({ resource }) => resource.urn)).apply(() => value);
    this.endpoints = {
      apiUrl: proven(apiUrl(first)),
      metricsUrl: proven(`${apiUrl(first)}/metrics`),
      pipelines: proven(
        Object.fromEntries(
          benthos.processes.flatMap((process) => process.pipelines.map((pipeline) => [streamId(pipeline), apiUrl(process)])),
        ),
      ),
      version: proven(benthos.version),
      ...(this.password === undefined ? {} : { password: this.password.text }),
    };
    this.registerOutputs({ ...benthosFigures(benthos, this.password !== undefined), ...this.endpoints });
  }

  /** The file with the key for NATS; none where it asks for none. */
  #natsKey({ host, systems: { nats }, natsKey }: BenthosPipelinesArgs, account: ServiceAccount | undefined): Task[] {
    if (nats?.auth === undefined || natsKey === undefined) return [];
    const key = secretFile(host, this, {
      name: `benthos-nats-key-${nats.auth.generation}`,
      path: natsKeyPath(nats.auth, host.layout),
      secret: natsKey,
      group: account?.user,
      after: account === undefined ? [] : [account],
    });
    return [key];
  }

  /** The file with the token for Pulsar; none where it asks for none. */
  #pulsarToken({ host, pulsarToken }: BenthosPipelinesArgs, account: ServiceAccount | undefined): SecretFile[] {
    if (pulsarToken === undefined) return [];
    const token = secretFile(host, this, {
      name: "benthos-pulsar-token",
      path: pulsarTokenPath(host.layout),
      secret: pulsarToken,
      group: account?.user,
      after: account === undefined ? [] : [account],
    });
    return [token];
  }

  /** What they show NATS; nothing where it asks for no certificate. */
  #certificate({ host, tools, systems: { nats } }: BenthosPipelinesArgs, account: ServiceAccount | undefined): Task[] {
    if (nats?.tls?.clients === undefined || tools.certificateAuthority === undefined) return [];
    const shown = certificate(host, this, {
      name: "benthos-certificate",
      subject: PIPELINES,
      paths: clientPaths(host.layout),
      text: clientCertificateText(PIPELINES, nats.tls, Date.now()),
      usage: "clientAuth",
      group: account?.user,
      after: [tools.certificateAuthority, ...(account === undefined ? [] : [account])],
    });
    return [shown];
  }

  /** The files with the secrets of the config, marked under a key of the stack. */
  #secrets(
    { host, benthos }: BenthosPipelinesArgs,
    account: ServiceAccount | undefined,
    program: { readonly installed: Task; readonly version: string },
  ): SecretFile[] {
    const secrets = Object.entries(benthos.secrets);
    const [master] = secrets.length === 0 ? [] : generationSecrets(this, `${host.key}-benthos-secrets`, [1]);
    if (master === undefined) return [];
    return secrets.map(([name, value]) => {
      // A container may know the database by another name than the host.
      const tried = name === POSTGRESQL_DSN && writesToPostgresql(benthos) && host.docker === undefined;
      return secretFile(host, this, {
        name: `benthos-secret-${name.toLowerCase().replaceAll("_", "-")}`,
        path: secretPath(host.layout, name),
        secret: { text: pulumi.secret(`${value}\n`), master },
        group: account?.user,
        check: tried ? { product: BENTHOS, version: program.version, configPath: `benthos.secrets.${name}` } : undefined,
        after: [...(account === undefined ? [] : [account]), ...(tried ? [program.installed] : [])],
      });
    });
  }

  /** The password of the API, made once for each generation. */
  #password({ host, benthos, systems }: BenthosPipelinesArgs): Secret | undefined {
    if (!asksForPassword(benthos, systems)) return undefined;
    const [master] = generationSecrets(this, `${host.key}-benthos-api`, [benthos.auth.generation]);
    if (master === undefined) throw new Error("nothing makes the password");
    return { text: master.apply((bytes) => derived(bytes, `${host.key}/benthos/api`).toString("base64url")), master };
  }

  /** What Benthos knows the password by, and what the tasks show it. */
  #passwordFiles({ host }: BenthosPipelinesArgs, account: ServiceAccount | undefined): SecretFile[] {
    if (this.password === undefined) return [];
    const { text, master } = this.password;
    const after = account === undefined ? [] : [account];
    const write = (name: string, path: string, content: (password: string) => string, group?: string) =>
      secretFile(host, this, { name, path, secret: { text: text.apply(content), master }, group, after });
    return [
      write("benthos-api-env", secretEnvPath(host.layout), (password) => benthosSecretEnv(passwordHash(password)), account?.user),
      write("benthos-api-curl", host.layout.etc(BENTHOS, "api.curl"), apiCurl),
    ];
  }

  /** The proof of the way through all systems; there is none where one of them is not of the stack. */
  #proofs({ host, systems: { nats, pulsar }, after }: BenthosPipelinesArgs, url: string, running: Task, follows: Follows): Task[] {
    if (nats === undefined || pulsar === undefined) return [];
    const proof = benthosVerify(host, this, {
      apiUrl: url,
      natsUrl: natsUrls(nats).url,
      pipelines: { natsUrl: natsUrls(nats, host.peer("nats-server")).url, pulsarUrl: pulsarPeerUrl(pulsar, host) },
      pulsarAdminUrl: pulsarAdminUrl(pulsar),
      pulsarRole: pulsar.auth && PIPELINES_ROLE,
      duckdb: duckdbPath(host.layout),
      dataDirectory: host.layout.data(BENTHOS),
      service: running,
      follows,
      after,
    });
    return [proof];
  }

  /** One process with its directory of pipelines. @returns its service */
  #process(
    { host, tools, benthos, systems, after }: BenthosPipelinesArgs,
    process: BenthosProcess,
    installed: {
      readonly version: string;
      readonly account: ServiceAccount | undefined;
      readonly follows: Follows;
      readonly after: readonly Task[];
    },
  ): Task {
    const { layout } = host;
    const { name } = process;
    const { account } = installed;
    const environment = configFile(host, this, {
      name: `${name}-env`,
      path: layout.etc(BENTHOS, `${name}_env.sh`),
      text: benthosEnv(pipelineEnvironment(benthos, systems, layout, host), process.goMemLimitBytes),
      group: account?.user,
      after: account === undefined ? [] : [account],
    });
    const directory = configDirectory(host, this, {
      name: `${name}-config`,
      path: layout.etc(BENTHOS, name === BENTHOS ? "config" : `config-${name}`),
      files: benthosDirectory(benthos, process, { address: host.listenAddress, asksForPassword: this.password !== undefined }),
      check: { product: BENTHOS, version: installed.version, environment },
      group: account?.user,
      after: installed.after,
    });
    const program = `${layout.opt(BENTHOS, currentLink(name, BENTHOS))}/benthos`;
    const secret = this.password && secretEnvPath(layout);
    return service(host, this, {
      service: {
        name,
        description: `Benthos: ${process.pipelines.join(", ")}`,
        command: [program, ...benthosArguments(directory.path)],
        environment: {},
        environmentFile: {
          path: environment.path,
          secret,
          launcher: [layout.starter, layout.pidFile(name), [environment.path, ...(secret === undefined ? [] : [secret])].join(":")],
        },
        memoryBytes: process.memoryBytes,
        // Connections to two servers for each pipeline, files, and room.
        openFiles: 16_384,
        oomScoreAdjust: 500,
        startSeconds: 1,
        stopSignal: "TERM",
        stopTimeoutSeconds: benthos.shutdownTimeoutSeconds + 10,
        writableDirectories: [layout.data(BENTHOS)],
        network: { ports: [process.port], health: { port: process.port, path: "/ping" } },
        logFile: layout.log(name),
      },
      product: BENTHOS,
      version: installed.version,
      keepVersions: benthos.keepVersions,
      programs: [{ name: "duckdb", version: pinnedVersions("duckdb")[0], link: true }],
      dataDirectory: layout.data(BENTHOS),
      configs: [directory, environment],
      reads: trusted(systems, layout),
      tools,
      account,
      follows: installed.follows,
      after: [tools.gojq, ...installed.after, ...after],
    });
  }
}

/** Arguments of Benthos. @param directory with its config, what its pipelines share, and the pipelines */
export function benthosArguments(directory: string): string[] {
  const read = (folder: string) => `${directory}/${folder}/*.yaml`;
  return ["-c", `${directory}/benthos.yaml`, "-r", read("resources"), "-t", read("templates"), "streams", `${directory}/streams`];
}

/** What policies read: plain data. */
function benthosFigures({ memoryBytes, processes }: BenthosConfig, authentication: boolean) {
  return {
    memoryBytes,
    memory: Object.fromEntries(processes.map((process) => [process.name, process.memoryBytes])),
    listeners: listeners(
      Object.fromEntries(processes.map(({ name, port }) => [name, port])),
      Object.fromEntries(processes.map(({ name }) => [name, { authentication }])),
    ),
  };
}

/** What reads secrets and certificates at its start follows: one mark of them all. */
function followed(marks: readonly pulumi.Input<string>[]): Follows {
  if (marks.length === 0) return {};
  return { SECRETS: pulumi.all([...marks]).apply((all) => digest(all.join(" "))) };
}

function apiUrl({ port }: BenthosProcess): string {
  return `http://127.0.0.1:${port}`;
}

function duckdbPath(layout: Layout): string {
  return `${layout.opt("duckdb", "current")}/duckdb`;
}

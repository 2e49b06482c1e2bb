import * as pulumi from "@pulumi/pulumi";
import { pinnedVersions } from "../config/pins";
import type { PulsarConfig } from "../config/pulsar";
import { chosenPin } from "../config/pulsar-source";
import { type Host, LOOPBACK, type Peers, type Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import type { TaskText } from "../hosts/task";
import { type OffloadDriver, offloadDriver } from "../render/namespaces";
import { clientConf, offloadProfile, type PulsarPaths, pulsarEnv, pulsarToolsEnv, standaloneConf } from "../render/pulsar";
import { entryLocationRocksdbConf, ledgerMetadataRocksdbConf } from "../render/pulsar-rocksdb";
import { adopt } from "../tasks/adopt";
import { authorityPath, clientAuthorities, clientPaths, serverCertificate, serverPaths, trustedPath } from "../tasks/certificates";
import { artifact, type ArtifactArgs } from "../tasks/artifact";
import { configFile } from "../tasks/config-file";
import { dataDirectory, dataDirectoryTask, logDirectory } from "../tasks/data-directory";
import { file } from "../tasks/file";
import { pulsarGuard } from "../tasks/pulsar-guard";
import { adminTokenPath, pulsarTokens, type PulsarTokens, tokenKeyPath } from "../tasks/pulsar-tokens";
import { pulsarVerify } from "../tasks/pulsar-verify";
import type { Secret } from "../tasks/secrets";
import { service } from "../tasks/service";
import { type ServiceAccount, serviceAccount } from "../tasks/service-account";
import type { HostTools } from "./host-tools";
import { listeners } from "./listeners";

const PULSAR = "pulsar";

/** Programs of the distribution that operators use. */
const TOOLS = ["pulsar-admin", "pulsar-client", "pulsar-shell"] as const;

/** What Pulsar standalone needs. */
export interface PulsarStandaloneArgs {
  readonly host: Host;
  readonly tools: HostTools;
  readonly pulsar: PulsarConfig;
}

/** What clients of Pulsar need to know. */
export interface PulsarEndpoints {
  /** Binary protocol. */
  readonly serviceUrl: pulumi.Output<string>;
  readonly adminUrl: pulumi.Output<string>;
  /** Prometheus metrics; without the slash at the end Pulsar redirects. */
  readonly metricsUrl: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
  /** Where paths of the WebSocket API begin; undefined where it is switched off. */
  readonly webSocketUrl?: pulumi.Output<string>;
  /** The token of each role, a secret; undefined where nobody asks who a client is. */
  readonly tokens?: pulumi.Output<Readonly<Record<string, string>>>;
  /** The same over TLS, and the path on the host of the certificate that clients know the broker by; undefined without TLS. */
  readonly tls?: pulumi.Output<{ readonly serviceUrl: string; readonly adminUrl: string; readonly ca: string }>;
}

/** Address of the admin API of a config, without its path. @param server its name where its clients are */
export function pulsarAdminUrl({ ports }: PulsarConfig, server = "127.0.0.1"): string {
  return `http://${server}:${ports.web}`;
}

/** What answers 2xx while the broker can be used, to whoever asks. @param server its name where its clients are */
export function pulsarHealthUrl(pulsar: PulsarConfig, server?: string): string {
  return pulsarAdminUrl(pulsar, server) + (pulsar.auth === undefined ? "/admin/v2/brokers/ready" : "/status.html");
}

/**
 * Address of the binary protocol for another service of the host; undefined: for the host. With TLS where the broker has it and asks for no certificate, of which Benthos has none to show
 * Pulsar. In containers that is a listener of its own, which
 * says of itself what they can reach.
 */
export function pulsarPeerUrl(pulsar: PulsarConfig, host: Peers | undefined): string {
  const server = host?.peer(PULSAR) ?? LOOPBACK;
  if (server !== LOOPBACK) return `pulsar://${server}:${internalPort(pulsar)}`;
  return pulsar.tls === undefined || pulsar.tls.clients !== undefined ? pulsarServiceUrl(pulsar) : tlsUrls(pulsar.tls.ports).serviceUrl;
}

/** Arguments of bin/pulsar. @param places paths of its config and of what it stores */
export function pulsarArguments(
  { switches, ports }: PulsarConfig,
  places: { readonly config: string; readonly metadata: string; readonly bookkeeper: string },
): string[] {
  return [
    "standalone",
    "--no-stream-storage",
    ...(switches.functionsWorker ? [] : ["--no-functions-worker"]),
    "--config",
    places.config,
    "--metadata-dir",
    places.metadata,
    "--bookkeeper-dir",
    places.bookkeeper,
    "--bookkeeper-port",
    String(ports.bookie),
  ];
}

/** Ports that clients of the host use. */
function clientPorts({ ports: { broker, web }, tls }: PulsarConfig): number[] {
  return [broker, web, ...(tls === undefined ? [] : [tls.ports.broker, tls.ports.web])];
}

/** A port that only the other containers of the network see. */
export function internalPort({ ports }: PulsarConfig): number {
  const taken: readonly number[] = Object.values(ports);
  return [16_650, 16_651, 16_652, 16_653].find((port) => !taken.includes(port)) ?? 16_654;
}

/** Address of the binary protocol of a config. */
export function pulsarServiceUrl({ ports }: PulsarConfig): string {
  return `pulsar://127.0.0.1:${ports.broker}`;
}

/** Addresses of the ports with TLS. */
function tlsUrls({ broker, web }: { readonly broker: number; readonly web: number }) {
  return { serviceUrl: `pulsar+ssl://127.0.0.1:${broker}`, adminUrl: `https://127.0.0.1:${web}` };
}

/** What an offload policy of a namespace of this server has to say besides its thresholds. */
export function namespaceOffloadDriver(pulsar: PulsarConfig, layout: Layout): OffloadDriver {
  return offloadDriver(tieredStoragePaths(pulsar, layout));
}

/** What a preview asks the host about before anything is declared. */
export function pulsarGuarded(pulsar: PulsarConfig, layout: Layout): TaskText[] {
  const data = dataPath(pulsar, layout);
  const offloaded = pulsar.tieredStorage === undefined ? [] : [{ name: "pulsar-offload", path: offloadDirectory(pulsar, layout) }];
  return [pulsarGuard(pulsar, data), ...[{ name: "pulsar-data", path: data }, ...offloaded].map(dataDirectoryTask)];
}

/** Apache Pulsar standalone on one host: installed, configured, running under the host's service manager and proven. */
export class PulsarStandalone extends pulumi.ComponentResource {
  readonly endpoints: PulsarEndpoints;
  /** The running server. */
  readonly service: Task;
  /** The proof of it; what needs a sound Pulsar comes after. */
  readonly verified: Task;
  /** The pipelines' token; undefined where nobody asks who a client is. */
  readonly pipelinesToken: Secret | undefined;

  constructor(args: PulsarStandaloneArgs, options?: pulumi.ComponentResourceOptions) {
    const { host, tools, pulsar } = args;
    super("messaging:index:PulsarStandalone", `${host.key}-pulsar`, { memoryBytes: pulsar.memoryBytes }, options);
    const { layout } = host;
    const server = artifact(host, this, pulsarArtifact(pulsar));
    const java = pulsar.javaHome === undefined ? [jre(host, this)] : [];
    const paths = pulsarPaths(pulsar, layout, host.platform);
    const account = serviceAccount(host, this, PULSAR);
    const adopted = adopt(host, this, { product: PULSAR, port: pulsar.ports.broker, data: paths.data });
    const data = dataDirectory(host, this, { name: "pulsar-data", path: paths.data, account, after: [tools.consents, ...adopted] });
    const logs = logDirectory(host, this, { name: "pulsar-logs", path: paths.logs, account });
    const offloading = this.#offloading(args, paths, account);
    const tokens = this.#tokens(args, account);
    this.pipelinesToken = tokens?.pipelines;
    const proof = serverCertificate(host, this, {
      product: PULSAR,
      service: PULSAR,
      tls: pulsar.tls,
      account,
      authority: tools.certificateAuthority,
    });
    const after = [server, ...java, data, logs, ...(tokens?.files ?? []), ...(proof?.tasks ?? [])];
    const conf = (name: string, file: string, text: string, more: { readonly base?: string; readonly check?: boolean } = {}) =>
      configFile(host, this, {
        name: `pulsar-${name}`,
        path: layout.etc(PULSAR, file),
        text,
        ...(more.base === undefined ? {} : { base: more.base }),
        ...(more.check === true ? { check: { product: PULSAR, version: pulsar.version } } : {}),
        group: account?.user,
        after,
      });
    const distribution = layout.opt(PULSAR, pulsar.version);
    const [metadata, bookkeeper] = [`${paths.data}/metadata`, bookkeeperPath(pulsar, layout)];
    const environment = conf("env", "pulsar_env.sh", pulsarEnv(pulsar, paths), { check: true });
    this.service = service(host, this, {
      service: {
        name: PULSAR,
        description: "Apache Pulsar standalone",
        command: [
          layout.pulsarStarter,
          metadata,
          bookkeeper,
          `${layout.opt(PULSAR, "current")}/bin/pulsar`,
          ...pulsarArguments(pulsar, { config: layout.etc(PULSAR, "standalone.conf"), metadata, bookkeeper }),
        ],
        environment: {},
        environmentFile: { path: environment.path, launcher: [layout.starter, layout.pidFile(PULSAR), environment.path] },
        compiles: true,
        memoryBytes: pulsar.memoryBytes,
        // RocksDB's files, one for each entry log and connection (https://pulsar.apache.org/docs/3.3.x/deploy-bare-metal/).
        openFiles: 65_536,
        oomScoreAdjust: -500,
        // What is wrong with its settings it finds out in the first seconds.
        startSeconds: 8,
        stopSignal: "TERM",
        // The broker itself gives up after 60 s (brokerShutdownTimeoutMs).
        stopTimeoutSeconds: 90,
        writableDirectories: [
          paths.data,
          ...(pulsar.bookkeeperDirectory === undefined ? [] : [pulsar.bookkeeperDirectory]),
          paths.logs,
          ...(paths.tieredStorage === undefined ? [] : [paths.tieredStorage.directory]),
        ],
        network: {
          ports: clientPorts(pulsar),
          health: { port: pulsar.ports.web, path: "/admin/v2/brokers/ready", tokenFile: paths.auth?.adminToken },
        },
        logFile: layout.log(PULSAR),
      },
      product: PULSAR,
      version: pulsar.version,
      programs: [
        ...(pulsar.javaHome === undefined ? [{ name: "jre", version: pinnedVersions("jre")[0] }] : []),
        ...(pulsar.tieredStorage === undefined ? [] : [{ name: "pulsar-offloaders", version: pulsar.version }]),
      ],
      keepVersions: pulsar.keepVersions,
      dataDirectory: paths.data,
      configs: [
        conf("standalone-conf", "standalone.conf", standaloneConf(pulsar, { ...paths, contained: contained(host, pulsar) }), {
          base: `${distribution}/conf/standalone.conf`,
        }),
        environment,
        conf("entry-location-rocksdb", "entry_location_rocksdb.conf", entryLocationRocksdbConf()),
        conf("ledger-metadata-rocksdb", "ledger_metadata_rocksdb.conf", ledgerMetadataRocksdbConf()),
        ...offloading.configs,
      ],
      reads: clientAuthorities(layout, pulsar.tls),
      tools,
      account,
      after: [tools.gojq, ...adopted, ...after, ...offloading.after],
    });
    const programs = this.#tools(args, paths, after);
    const adminUrl = pulsarAdminUrl(pulsar);
    this.verified = pulsarVerify(host, this, {
      adminUrl,
      tls: pulsar.tls && {
        url: tlsUrls(pulsar.tls.ports).adminUrl,
        ca: trustedPath(layout, PULSAR, pulsar.tls),
        shown: pulsar.tls.clients && clientPaths(layout),
      },
      shell: layout.bin("pulsar-shell"),
      log: layout.log(PULSAR),
      service: this.service,
      after: [...programs, ...tools.clientCertificates],
    });
    // Known only when the server is proven, so that whoever takes an endpoint waits for that.
    const proven = <T>(value: T) => this.verified.resource.urn.apply(() => value);
    this.endpoints = {
      serviceUrl: proven(pulsarServiceUrl(pulsar)),
      adminUrl: proven(adminUrl),
      metricsUrl: proven(`${adminUrl}/metrics/`),
      version: proven(pulsar.version),
      ...(pulsar.switches.webSocket ? { webSocketUrl: proven(`ws://127.0.0.1:${pulsar.ports.web}/ws/v2`) } : {}),
      ...(tokens === undefined ? {} : { tokens: this.verified.resource.urn.apply(() => tokens.tokens) }),
      ...(pulsar.tls === undefined ? {} : { tls: proven({ ...tlsUrls(pulsar.tls.ports), ca: trustedPath(layout, PULSAR, pulsar.tls) }) }),
    };
    this.registerOutputs({ ...pulsarFigures(pulsar, layout), ...this.endpoints });
  }

  /** The offloader and where it writes; nothing without tiered storage. */
  #offloading({ host, pulsar }: PulsarStandaloneArgs, paths: PulsarPaths, account: ServiceAccount | undefined) {
    if (pulsar.tieredStorage === undefined || paths.tieredStorage === undefined) return { configs: [], after: [] };
    const { directory } = paths.tieredStorage;
    const offloaders = artifact(host, this, {
      task: "pulsar-offloaders",
      name: "pulsar-offloaders",
      version: pulsar.version,
      link: false,
      uses: ["products/pulsar-offloaders.sh"],
      pin: pulsar.source?.offloaders && chosenPin(pulsar.source.offloaders, `apache-pulsar-offloaders-${pulsar.version}`),
    });
    const offloaded = dataDirectory(host, this, { name: "pulsar-offload", path: directory, account });
    const profile = configFile(host, this, {
      name: "pulsar-offload-profile",
      path: paths.tieredStorage.profile,
      text: offloadProfile(directory),
      group: account?.user,
      after: [offloaders],
    });
    return { configs: [profile], after: [offloaders, offloaded] };
  }

  /** By which clients prove their role; undefined: nobody is asked. */
  #tokens({ host, pulsar }: PulsarStandaloneArgs, account: ServiceAccount | undefined): PulsarTokens | undefined {
    if (pulsar.auth === undefined) return undefined;
    return pulsarTokens(host, this, { auth: pulsar.auth, group: account?.user, after: account === undefined ? [] : [account] });
  }

  /** The operators' programs with the settings of this stack. */
  #tools({ host, pulsar }: PulsarStandaloneArgs, paths: PulsarPaths, after: readonly Task[]): Task[] {
    const { layout } = host;
    const client = layout.etc(PULSAR, "client.conf");
    const environment = layout.etc(PULSAR, "pulsar_tools_env.sh");
    const text = { mode: "600", after } as const;
    const files = [
      file(host, this, { name: "pulsar-client-conf", path: client, text: clientConf(pulsar, paths), ...text }),
      file(host, this, { name: "pulsar-tools-env", path: environment, text: pulsarToolsEnv(paths, client), ...text }),
    ];
    const programs = TOOLS.map((tool) =>
      file(host, this, {
        name: tool,
        path: layout.bin(tool),
        mode: "700",
        text: `#!/bin/sh\nexec ${layout.starter} /dev/null ${environment} ${layout.opt(PULSAR, "current")}/bin/${tool} "$@"\n`,
        after: files,
      }),
    );
    return [...files, ...programs];
  }
}

/** What policies read: plain data. */
function pulsarFigures(pulsar: PulsarConfig, layout: Layout) {
  const authentication = pulsar.auth !== undefined;
  return {
    memoryBytes: pulsar.memoryBytes,
    memory: pulsar.memoryParts,
    durability: pulsar.durability,
    dataDirectory: dataPath(pulsar, layout),
    ...(pulsar.tieredStorage === undefined ? {} : { offloadDirectory: offloadDirectory(pulsar, layout) }),
    listeners: [
      ...listeners(pulsar.ports, { broker: { authentication }, web: { authentication } }),
      ...(pulsar.tls === undefined
        ? []
        : listeners(
            { brokerTls: pulsar.tls.ports.broker, webTls: pulsar.tls.ports.web },
            { brokerTls: { authentication, tls: true }, webTls: { authentication, tls: true } },
          )),
    ],
  };
}

/** The distribution: the pinned one, or the one that the config says where to find. */
export function pulsarArtifact({ version, source }: PulsarConfig): ArtifactArgs {
  return { task: PULSAR, name: PULSAR, version, link: false, pin: source && chosenPin(source, `apache-pulsar-${version}`) };
}

function jre(host: Host, parent: pulumi.Resource): Task {
  return artifact(host, parent, { task: "jre", name: "jre", version: pinnedVersions("jre")[0], link: false, uses: ["products/jre.sh"] });
}

/** Where the offloader is, its profile, and what it offloads to; undefined without tiered storage. */
function tieredStoragePaths(pulsar: PulsarConfig, layout: Layout): PulsarPaths["tieredStorage"] {
  if (pulsar.tieredStorage === undefined) return undefined;
  return {
    offloaders: `${layout.opt("pulsar-offloaders", pulsar.version)}/offloaders`,
    profile: layout.etc(PULSAR, "filesystem_offload_core_site.xml"),
    directory: offloadDirectory(pulsar, layout),
  };
}

function offloadDirectory({ tieredStorage }: PulsarConfig, layout: Layout): string {
  return tieredStorage?.directory ?? layout.data("pulsar-offload");
}

/** Where its data is, as the keys of the config that say so. */
export function pulsarData(pulsar: PulsarConfig, layout: Layout) {
  return [
    { configPath: "pulsar.dataDirectory", value: dataPath(pulsar, layout) },
    { configPath: "pulsar.bookkeeperDirectory", value: bookkeeperPath(pulsar, layout) },
    { configPath: "pulsar.bookieId", value: pulsar.bookieId ?? `127.0.0.1:${pulsar.ports.bookie}` },
  ];
}

/** Directories that it stores in. */
export function pulsarStorage(pulsar: PulsarConfig, layout: Layout): string[] {
  const { bookkeeperDirectory, tieredStorage } = pulsar;
  return [
    dataPath(pulsar, layout),
    ...(bookkeeperDirectory === undefined ? [] : [bookkeeperDirectory]),
    ...(tieredStorage === undefined ? [] : [offloadDirectory(pulsar, layout)]),
  ];
}

/** Where the bookie has its ledgers. */
function bookkeeperPath(pulsar: PulsarConfig, layout: Layout): string {
  return pulsar.bookkeeperDirectory ?? `${dataPath(pulsar, layout)}/bookkeeper`;
}

/** Where Pulsar has its metadata and, unless the config says otherwise, its ledgers. */
function dataPath(pulsar: PulsarConfig, layout: Layout): string {
  return pulsar.dataDirectory ?? layout.data(PULSAR);
}

/** What a server in a container says of itself to its neighbours. */
function contained({ docker }: Host, pulsar: PulsarConfig): PulsarPaths["contained"] {
  return docker === undefined ? undefined : { name: PULSAR, port: internalPort(pulsar) };
}

function pulsarPaths(pulsar: PulsarConfig, layout: Layout, platform: string): PulsarPaths {
  return {
    data: dataPath(pulsar, layout),
    logs: `${layout.logs}/${PULSAR}`,
    javaHome: pulsar.javaHome ?? layout.opt("jre", pinnedVersions("jre")[0]),
    entryLocationRocksdbConf: layout.etc(PULSAR, "entry_location_rocksdb.conf"),
    ledgerMetadataRocksdbConf: layout.etc(PULSAR, "ledger_metadata_rocksdb.conf"),
    tieredStorage: tieredStoragePaths(pulsar, layout),
    auth: pulsar.auth === undefined ? undefined : { tokenKey: tokenKeyPath(layout, pulsar.auth), adminToken: adminTokenPath(layout) },
    tls: pulsar.tls && {
      ...serverPaths(layout, PULSAR, pulsar.tls),
      clientAuthority: pulsar.tls.clients && authorityPath(layout),
    },
    loopback: platform.startsWith("darwin") ? "lo0" : "lo",
  };
}

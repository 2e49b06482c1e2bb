import { ADMIN_ROLE } from "../config/pulsar-auth";
import { NATIVE_BYTES, type PulsarConfig } from "../config/pulsar";
import { lines, MANAGED_BY } from "./text";
import type { ServerTls } from "./tls";

/** Where Pulsar's files are on a host. */
export interface PulsarPaths {
  /** Data of the bookie and of the metadata store. */
  readonly data: string;
  readonly logs: string;
  readonly javaHome: string;
  readonly entryLocationRocksdbConf: string;
  readonly ledgerMetadataRocksdbConf: string;
  readonly tieredStorage: { readonly offloaders: string; readonly profile: string; readonly directory: string } | undefined;
  /** What the broker proves clients with, and itself to itself; undefined: nobody is asked. */
  readonly auth: { readonly tokenKey: string; readonly adminToken: string } | undefined;
  /** What the broker proves itself with to clients; undefined: no TLS. */
  readonly tls?: ServerTls | undefined;
  /** Name of the loopback interface. */
  readonly loopback: string;
  /** In a container: its name, and the port on which its neighbours reach it; undefined elsewhere. */
  readonly contained?: { readonly name: string; readonly port: number } | undefined;
}

/** The client's side of tokens. */
const TOKEN_PLUGIN = "org.apache.pulsar.client.impl.auth.AuthenticationToken";

const mebibytes = (bytes: number) => Math.floor(bytes / 2 ** 20);
const minutes = (milliseconds: number) => Math.ceil(milliseconds / 60_000);

/**
 * The keys of standalone.conf that we set; every other key stays as the distribution ships it. The file is read as properties by the broker and by the
 * bookie, so keys of both are in it. Every listener is on loopback.
 * https://pulsar.apache.org/reference/#/3.3.x/config/reference-configuration-standalone
 */
export function standaloneConf(pulsar: PulsarConfig, paths: PulsarPaths): string {
  const { memory, ports, switches, ledger } = pulsar;
  const entries = {
    ...addresses(pulsar, paths),
    brokerServicePort: ports.broker,
    webServicePort: ports.web,
    // The bookie takes --bookkeeper-port only when it may take any, and binds to every address unless it is given an interface.
    allowEphemeralPorts: "true",
    listeningInterface: paths.loopback,
    bookieId: pulsar.bookieId,
    journalSyncData: String(pulsar.durability === "fsync"),
    dbStorage_writeCacheMaxSizeMb: mebibytes(memory.writeCacheBytes),
    dbStorage_readAheadCacheMaxSizeMb: mebibytes(memory.readAheadCacheBytes),
    managedLedgerCacheSizeMB: mebibytes(memory.managedLedgerCacheBytes),
    maxMessagePublishBufferSizeInMB: mebibytes(memory.publishBufferBytes),
    // Without these the sizes in the distribution's own files count (200 MB of cache), whatever dbStorage_rocksDB_* say.
    entryLocationRocksdbConf: paths.entryLocationRocksdbConf,
    ledgerMetadataRocksdbConf: paths.ledgerMetadataRocksdbConf,
    webSocketServiceEnabled: String(switches.webSocket),
    transactionCoordinatorEnabled: String(switches.transactions),
    enableNonPersistentTopics: String(switches.nonPersistentTopics),
    allowAutoTopicCreation: String(switches.autoTopicCreation),
    // Declared topics must not vanish because nobody has used them for a minute.
    brokerDeleteInactiveTopicsEnabled: "false",
    // The broker's own quota would stand against a namespace's retention although nobody asked for it.
    backlogQuotaDefaultLimitGB: -1,
    managedLedgerMaxEntriesPerLedger: ledger.maxEntries,
    managedLedgerMaxSizePerLedgerMbytes: mebibytes(ledger.maxBytes),
    managedLedgerMinLedgerRolloverTimeMinutes: minutes(ledger.minRolloverMilliseconds),
    managedLedgerMaxLedgerRolloverTimeMinutes: minutes(ledger.maxRolloverMilliseconds),
    ...offloading(pulsar, paths),
    ...authentication(paths),
    ...encryption(pulsar, paths),
  };
  return `# ${MANAGED_BY} Overrides of Pulsar ${pulsar.version}'s own standalone.conf:\n${lines(entries, (key, value) => `${key}=${value}`)}`;
}

/**
 * What the broker listens on and says of itself to clients. In a container it has a listener of its own for its neighbours: a client is told the address of the listener that it
 * came by (https://pulsar.apache.org/docs/3.3.x/concepts-multiple-advertised-listeners). The bookie keeps the advertised address for good and binds to it: a container's own
 * address would be another one the next time.
 */
function addresses({ ports, tls }: PulsarConfig, { contained }: PulsarPaths): Record<string, string> {
  const advertisedAddress = "127.0.0.1";
  if (contained === undefined) return { bindAddress: "127.0.0.1", advertisedAddress };
  const { name, port } = contained;
  const external = [`pulsar://127.0.0.1:${ports.broker}`, ...(tls === undefined ? [] : [`pulsar+ssl://127.0.0.1:${tls.ports.broker}`])];
  return {
    bindAddress: "0.0.0.0",
    advertisedAddress,
    bindAddresses: `internal:pulsar://0.0.0.0:${port}`,
    advertisedListeners: [...external.map((url) => `external:${url}`), `internal:pulsar://${name}:${port}`].join(","),
    internalListenerName: "external",
  };
}

/** https://pulsar.apache.org/docs/3.3.x/security-jwt/#enable-token-authentication-on-brokers */
function authentication({ auth }: PulsarPaths): Record<string, string> {
  if (auth === undefined) return {};
  return {
    authenticationEnabled: "true",
    authorizationEnabled: "true",
    authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
    tokenSecretKey: `file://${auth.tokenKey}`,
    superUserRoles: ADMIN_ROLE,
    // Any file that is there: /status.html then says to whoever asks whether the broker is up.
    statusFilePath: auth.tokenKey,
    brokerClientAuthenticationPlugin: TOKEN_PLUGIN,
    brokerClientAuthenticationParameters: `file://${auth.adminToken}`,
  };
}

/**
 * TLS on ports of its own; what is on the host goes on without. The broker looks for another certificate every five minutes.
 * https://pulsar.apache.org/docs/3.3.x/security-tls-transport/
 */
function encryption({ tls }: PulsarConfig, paths: PulsarPaths): Record<string, string | number> {
  if (tls === undefined || paths.tls === undefined) return {};
  return {
    brokerServicePortTls: tls.ports.broker,
    webServicePortTls: tls.ports.web,
    tlsCertificateFilePath: paths.tls.certificate,
    tlsKeyFilePath: paths.tls.key,
    ...(paths.tls.clientAuthority === undefined
      ? {}
      : { tlsRequireTrustedClientCertOnConnect: "true", tlsTrustCertsFilePath: paths.tls.clientAuthority }),
  };
}

function offloading({ tieredStorage }: PulsarConfig, paths: PulsarPaths): Record<string, string | number | undefined> {
  if (tieredStorage === undefined || paths.tieredStorage === undefined) return {};
  const { thresholdMilliseconds } = tieredStorage;
  return {
    managedLedgerOffloadDriver: "filesystem",
    offloadersDirectory: paths.tieredStorage.offloaders,
    fileSystemProfilePath: paths.tieredStorage.profile,
    // Ledgers go below this address; hadoop.tmp.dir of the profile does not decide it.
    fileSystemURI: `file://${paths.tieredStorage.directory}`,
    // Where the offloader is unpacked: not in everybody's temporary directory.
    narExtractionDirectory: `${paths.data}/nar`,
    managedLedgerOffloadAutoTriggerSizeThresholdBytes: tieredStorage.thresholdBytes ?? -1,
    managedLedgerOffloadThresholdInSeconds: thresholdMilliseconds === undefined ? -1 : Math.ceil(thresholdMilliseconds / 1000),
    managedLedgerOffloadDeletionLagMs: tieredStorage.deletionLagMilliseconds,
  };
}

/**
 * The environment in which bin/pulsar starts the server, in the variables of the distribution's pulsar_env.sh. G1 with a small pause goal: the
 * distribution's generational ZGC is made for large heaps, cannot compress pointers, and with its AlwaysPreTouch holds all of -Xms from the start.
 */
export function pulsarEnv(pulsar: PulsarConfig, paths: PulsarPaths): string {
  const { memory } = pulsar;
  const heap = [`-Xms${mebibytes(memory.initialHeapBytes)}m`, `-Xmx${mebibytes(memory.maxHeapBytes)}m`];
  const native = [
    `-XX:MaxDirectMemorySize=${mebibytes(memory.maxDirectBytes)}m`,
    `-XX:MaxMetaspaceSize=${mebibytes(NATIVE_BYTES.metaspace)}m`,
    `-XX:ReservedCodeCacheSize=${mebibytes(NATIVE_BYTES.codeCache)}m`,
    "-Xss512k",
  ];
  return environment({
    JAVA_HOME: paths.javaHome,
    PULSAR_LOG_DIR: paths.logs,
    PULSAR_MEM: [...heap, ...native].join(" "),
    PULSAR_GC: "-XX:+UseG1GC -XX:MaxGCPauseMillis=10 -XX:+ParallelRefProcEnabled -XX:+PerfDisableSharedMem",
    PULSAR_GC_LOG: `-Xlog:async -Xlog:gc*,safepoint:file=${paths.logs}/gc.log:time,uptime,tags:filecount=5,filesize=10M`,
    // The first two are the distribution's; setting the variable replaces them.
    PULSAR_EXTRA_OPTS: [
      "-Dpulsar.allocator.exit_on_oom=true",
      "-Dio.netty.recycler.maxCapacityPerThread=4096",
      "-XX:+ExitOnOutOfMemoryError",
    ].join(" "),
    // Fewer arenas of malloc for RocksDB's threads.
    MALLOC_ARENA_MAX: "2",
  });
}

/** The environment of pulsar-admin and pulsar-client: a small heap of their own, and the client configuration of this stack. */
export function pulsarToolsEnv(paths: PulsarPaths, clientConf: string): string {
  return environment({
    JAVA_HOME: paths.javaHome,
    PULSAR_LOG_DIR: paths.logs,
    PULSAR_CLIENT_CONF: clientConf,
    PULSAR_MEM: "-Xmx128m -XX:MaxDirectMemorySize=128m",
    PULSAR_GC: "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    PULSAR_EXTRA_OPTS: "-XX:-UsePerfData",
  });
}

/** client.conf of pulsar-admin and pulsar-client. @param server address of the binary protocol where they run */
export function clientConf({ ports }: PulsarConfig, { auth }: Pick<PulsarPaths, "auth">, server = `127.0.0.1:${ports.broker}`): string {
  const entries = {
    webServiceUrl: `http://127.0.0.1:${ports.web}/`,
    brokerServiceUrl: `pulsar://${server}/`,
    ...(auth === undefined ? {} : { authPlugin: TOKEN_PLUGIN, authParams: `file://${auth.adminToken}` }),
  };
  return `# ${MANAGED_BY}\n${lines(entries, (key, value) => `${key}=${value}`)}`;
}

/** Hadoop's profile of the file system offloader: where offloaded ledgers go. */
export function offloadProfile(directory: string): string {
  const property = (name: string, value: string) => `  <property>\n    <name>${name}</name>\n    <value>${value}</value>\n  </property>\n`;
  return `<?xml version="1.0"?>\n<!-- ${MANAGED_BY} -->\n<configuration>\n${property("fs.defaultFS", `file://${directory}`)}${property("hadoop.tmp.dir", directory)}</configuration>\n`;
}

function environment(variables: Readonly<Record<string, string>>): string {
  return `# ${MANAGED_BY}\n${lines(variables, (key, value) => `${key}="${value}"`)}`;
}

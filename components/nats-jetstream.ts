import * as pulumi from "@pulumi/pulumi";
import type { NatsConfig } from "../config/nats";
import { pinnedVersions } from "../config/pins";
import type { Host, Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import type { TaskText } from "../hosts/task";
import { natsServerConf } from "../render/nats-server";
import { adopt } from "../tasks/adopt";
import { authorityPath, clientAuthorities, clientPaths, serverCertificate, serverPaths, trustedPath } from "../tasks/certificates";
import { configFile } from "../tasks/config-file";
import { dataDirectory, dataDirectoryTask } from "../tasks/data-directory";
import { homebrewTask, program, type ProgramArgs } from "../tasks/homebrew";
import { declareStreams, streamsTask } from "../tasks/jetstream";
import { natsContext } from "../tasks/nats-context";
import { natsGuard } from "../tasks/nats-guard";
import { natsKeyFiles, type NatsUsers, natsUserTasks } from "../tasks/nats-users";
import { natsVerify } from "../tasks/nats-verify";
import type { Secret } from "../tasks/secrets";
import { service } from "../tasks/service";
import { type ServiceAccount, serviceAccount } from "../tasks/service-account";
import type { HostTools } from "./host-tools";
import { listeners } from "./listeners";

const SERVER = "nats-server";

/** Addresses of a config's server. @param server its name: on the host, or where its clients are */
export function natsUrls({ ports }: NatsConfig, server = "127.0.0.1"): { readonly url: string; readonly monitoringUrl: string } {
  return { url: `nats://${server}:${ports.client}`, monitoringUrl: `http://${server}:${ports.monitoring}` };
}

/** Where its data is, as the key of the config that says so. */
export function natsData(nats: NatsConfig, layout: Layout) {
  return [{ configPath: "nats.jetstream.storeDir", value: storeDirectory(nats, layout) }];
}

/** The directory of JetStream's store. */
export function storeDirectory(nats: NatsConfig, layout: Layout): string {
  return nats.jetstream.storeDir ?? layout.data("nats");
}

/** What a preview asks the host about, before anything is declared: the streams and consumers, and all of them with the server that is to carry them. */
export function natsGuarded(nats: NatsConfig, layout: Layout): TaskText[] {
  const urls = natsUrls(nats);
  const streams = streamsTask({ ...urls, streams: nats.streams });
  const fromHomebrew = nats.source === "homebrew" ? programs(nats).map(homebrewTask) : [];
  const store = storeDirectory(nats, layout);
  return [
    ...fromHomebrew,
    natsGuard(urls.url, nats, store),
    dataDirectoryTask({ name: "nats-data", path: store }),
    ...(streams === undefined ? [] : [streams]),
  ];
}

/** What a NATS server with JetStream needs. */
export interface NatsJetStreamArgs {
  readonly host: Host;
  readonly tools: HostTools;
  readonly nats: NatsConfig;
}

/** The server and its CLI. */
function programs({ version }: NatsConfig): readonly [ProgramArgs, ProgramArgs] {
  return [
    { task: SERVER, name: SERVER, version, link: false },
    { task: "nats-cli", name: "nats", version: pinnedVersions("nats")[0], link: true },
  ];
}

/** What clients of a NATS server need to know. */
export interface NatsEndpoints {
  readonly url: pulumi.Output<string>;
  readonly monitoringUrl: pulumi.Output<string>;
  readonly version: pulumi.Output<string>;
  /** Name of the nats CLI's context for this server, in the user's configuration on the host. */
  readonly context: pulumi.Output<string>;
  /** The key (an nkey's seed) of each user, a secret; undefined where nobody asks who a client is. */
  readonly keys?: pulumi.Output<Readonly<Record<string, string>>>;
  /** Path on the host of the certificate that clients know the server by; undefined without TLS. */
  readonly ca?: pulumi.Output<string>;
}

/** NATS with JetStream on one host: installed, configured, running under the host's service manager and proven. */
export class NatsJetStream extends pulumi.ComponentResource {
  readonly endpoints: NatsEndpoints;
  /** The proven server with its streams and consumers; what uses them comes after. */
  readonly ready: readonly Task[];
  /** The pipelines' key; undefined where nobody asks who a client is. */
  readonly pipelinesKey: Secret | undefined;

  constructor(args: NatsJetStreamArgs, options?: pulumi.ComponentResourceOptions) {
    const { host, tools, nats } = args;
    super("messaging:index:NatsJetStream", `${host.key}-nats`, { memoryBytes: nats.memoryBytes }, options);
    const { layout } = host;
    const storeDir = storeDirectory(nats, layout);
    const [server, cli] = programs(nats).map((args) => program(host, this, nats.source, { ...args, gojq: tools.gojq }).task) as [
      Task,
      Task,
    ];
    const account = serviceAccount(host, this, "nats");
    const adopted = adopt(host, this, { product: SERVER, port: nats.ports.client, data: storeDir });
    const data = dataDirectory(host, this, { name: "nats-data", path: storeDir, account, after: [tools.consents, ...adopted] });
    const users = this.#users(args, account);
    const proof = serverCertificate(host, this, {
      product: "nats",
      service: SERVER,
      tls: nats.tls,
      account,
      authority: tools.certificateAuthority,
    });
    // What the server reads besides its config.
    const reads = [...(users === undefined ? [] : [users.accounts]), ...(proof?.tasks ?? [])];
    const follows = { ...users?.follows, ...(proof === undefined ? {} : { CERTIFICATE: proof.mark }) };
    const ca = nats.tls && trustedPath(layout, "nats", nats.tls);
    const shown = nats.tls?.clients && clientPaths(layout);
    const config = configFile(host, this, {
      name: "nats-config",
      path: layout.etc("nats", "nats-server.conf"),
      text: natsServerConf(nats, `${pulumi.getStack()}-${host.key}`, {
        storeDir,
        pidFile: host.services.startsWith("systemd") || host.docker !== undefined ? undefined : layout.pidFile(SERVER),
        tls: nats.tls && {
          ...serverPaths(layout, "nats", nats.tls),
          clientAuthority: nats.tls.clients && authorityPath(layout),
        },
        address: host.listenAddress,
      }),
      check: { product: SERVER, version: nats.version },
      group: account?.user,
      // The check reads what the config includes.
      after: [server, data, ...reads],
    });
    const running = service(host, this, {
      service: {
        name: SERVER,
        description: "NATS server with JetStream",
        command: [`${layout.opt(SERVER, "current")}/nats-server`, "-c", config.path],
        environment: { GOMEMLIMIT: String(nats.goMemLimitBytes) },
        reloads: true,
        memoryBytes: nats.memoryBytes,
        // Two for each stream, one for each connection, and room (https://docs.nats.io/running-a-nats-service/introduction/running).
        openFiles: nats.maxConnections + 16_384,
        oomScoreAdjust: 0,
        startSeconds: 1,
        // Both signals shut JetStream down cleanly, but only on INT does the server exit with 0.
        stopSignal: "INT",
        stopTimeoutSeconds: 30,
        writableDirectories: [storeDir],
        network: { ports: Object.values(nats.ports), health: { port: nats.ports.monitoring, path: "/healthz" } },
        logFile: layout.log(SERVER),
      },
      product: SERVER,
      version: nats.version,
      keepVersions: nats.keepVersions,
      dataDirectory: storeDir,
      configs: [config],
      reads: clientAuthorities(layout, nats.tls),
      tools,
      account,
      follows,
      after: [tools.gojq, server, data, ...adopted],
    });
    const { url, monitoringUrl } = natsUrls(nats);
    const contextName = `${pulumi.getProject()}-${pulumi.getStack()}-${host.key}`;
    const context = natsContext(host, this, {
      name: contextName,
      url,
      description: `NATS of stack ${pulumi.getStack()} on host ${host.key}`,
      nkey: users?.keyPath,
      ca,
      shown,
      after: [cli, ...tools.clientCertificates],
    });
    const verified = natsVerify(host, this, {
      url,
      monitoringUrl,
      service: running,
      cli,
      follows,
      after: [...tools.clientCertificates, ...(users === undefined ? [] : natsKeyFiles(host, this, users, [running]))],
    });
    const streams = declareStreams(host, this, {
      declared: { url, monitoringUrl, streams: nats.streams },
      service: running,
      after: [verified, tools.consents],
    });
    this.ready = [verified, ...streams];
    this.pipelinesKey = users?.keys["pipelines"];
    // Known only when the server is proven, so that whoever takes an endpoint waits for that.
    const proven = <T>(value: T) => pulumi.all([verified.resource.urn, context.resource.urn]).apply(() => value);
    this.endpoints = {
      url: proven(url),
      monitoringUrl: proven(monitoringUrl),
      version: proven(nats.version),
      context: proven(contextName),
      ...(users === undefined ? {} : { keys: proven(0).apply(() => users.seeds) }),
      ...(ca === undefined ? {} : { ca: proven(ca) }),
    };
    this.registerOutputs({ ...natsFigures(nats), storeDir, ...this.endpoints });
  }

  /** Who may connect; undefined: everybody on this host. */
  #users({ host, nats }: NatsJetStreamArgs, account: ServiceAccount | undefined): NatsUsers | undefined {
    if (nats.auth === undefined) return undefined;
    return natsUserTasks(host, this, { auth: nats.auth, group: account?.user, after: account === undefined ? [] : [account] });
  }
}

/** What policies read: plain data. The monitoring port has no authentication of its own. */
function natsFigures({ memoryBytes, durability, jetstream, ports, streams, auth, tls }: NatsConfig) {
  const { maxMemoryStoreBytes, maxFileStoreBytes } = jetstream;
  return {
    memoryBytes,
    memory: { process: memoryBytes },
    durability,
    maxMemoryStoreBytes,
    maxFileStoreBytes,
    streams,
    listeners: listeners(ports, { client: { authentication: auth !== undefined, tls: tls !== undefined } }),
  };
}

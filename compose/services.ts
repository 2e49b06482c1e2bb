import { stringify } from "yaml";
import { benthosArguments } from "../components/benthos-pipelines";
import { natsUrls } from "../components/nats-jetstream";
import { pulsarArguments } from "../components/pulsar-standalone";
import { IMAGES, pinnedVersions } from "../config/pins";
import { digest } from "../hosts/scripts";
import { MANAGED_BY } from "../render/text";
import { composeFiles } from "./files";
import { PEERS, PLACES } from "./places";
import type { ComposedStack } from "./stack";

/** User and group of everything but Pulsar, by number: nobody that an image has, and not root. */
const NONROOT = "65532:65532";

/** As the official image of Pulsar has it; its directories belong to the group of root. */
const PULSAR_USER = "10000:0";

/** What no container of the stack does without. */
const CONFINED = {
  read_only: true,
  cap_drop: ["ALL"],
  security_opt: ["no-new-privileges:true"],
  logging: { driver: "json-file", options: { "max-size": "50m", "max-file": "5" } },
};

const SERVER = { ...CONFINED, restart: "unless-stopped" };

/** compose.yaml of a stack: the same programs, limits and config as `npm run up` gives it in Docker. */
export function composeYaml(stack: ComposedStack): string {
  const document = {
    name: "messaging",
    services: {
      nats: nats(stack),
      "nats-volume": natsVolume(),
      pulsar: pulsar(stack),
      objects: objects(stack),
      benthos: benthos(stack),
    },
    volumes: { "nats-data": {}, "pulsar-data": {}, "benthos-data": {}, "objects-ledger": {} },
  };
  const header = `${MANAGED_BY}\n Made of Pulumi.${stack.name}.yaml by \`npm run compose\`; docs/compose.md says how to use it.`;
  return `${header.replace(/^ ?/gm, "# ")}\n${stringify(document, { aliasDuplicateObjects: false, lineWidth: 0, schema: "yaml-1.1" })}`;
}

function nats(stack: ComposedStack) {
  const { nats } = stack;
  return {
    image: variable("NATS_IMAGE", image("nats", nats.version)),
    ...SERVER,
    ...reads(stack, "nats"),
    user: NONROOT,
    command: ["nats-server", "-c", `${PLACES.nats.config}/nats-server.conf`],
    environment: { GOMEMLIMIT: String(nats.goMemLimitBytes) },
    ...limits(nats.memoryBytes),
    ports: [port("NATS_PORT", nats.ports.client), port("NATS_MONITORING_PORT", nats.ports.monitoring)],
    volumes: [`./compose/config/nats:${PLACES.nats.config}:ro`, `nats-data:${PLACES.nats.data}`],
    depends_on: { "nats-volume": { condition: "service_completed_successfully" } },
    healthcheck: health(["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${nats.ports.monitoring}/healthz`]),
    stop_signal: "SIGINT",
    stop_grace_period: "30s",
  };
}

/** A new volume is root's where the image has no such directory. */
function natsVolume() {
  return {
    image: variable("NATS_IMAGE", IMAGES.nats),
    ...CONFINED,
    user: "0:0",
    cap_add: ["CHOWN"],
    network_mode: "none",
    entrypoint: ["chown", NONROOT, PLACES.nats.data],
    volumes: [`nats-data:${PLACES.nats.data}`],
  };
}

function pulsar(stack: ComposedStack) {
  const { pulsar } = stack;
  const { config, data, logs } = PLACES.pulsar;
  const { web } = pulsar.ports;
  const binary = variable("PULSAR_PORT", String(pulsar.ports.broker));
  return {
    image: variable("PULSAR_IMAGE", image("pulsar", pulsar.version)),
    ...SERVER,
    ...reads(stack, "pulsar"),
    user: PULSAR_USER,
    entrypoint: ["sh", "/opt/compose/pulsar.sh", config, data],
    command: pulsarArguments(pulsar, {
      config: "/tmp/standalone.conf",
      metadata: `${data}/metadata`,
      bookkeeper: `${data}/bookkeeper`,
    }),
    environment: {
      PULSAR_PORT: binary,
      // For operators, who run pulsar-admin and pulsar-client in the container.
      PULSAR_CLIENT_CONF: `${config}/client.conf`,
    },
    ...limits(pulsar.memoryBytes),
    // The binary protocol has one port in and out of the container, because the broker is a client of itself.
    ports: [`127.0.0.1:${binary}:${binary}`, port("PULSAR_WEB_PORT", web)],
    volumes: [
      `./compose/config/pulsar:${config}:ro`,
      "./compose/pulsar.sh:/opt/compose/pulsar.sh:ro",
      `./scripts:${PLACES.scripts}:ro`,
      `pulsar-data:${data}`,
      // These go with the container. Java unpacks the native parts of its libraries in /tmp.
      logs,
      "/tmp",
    ],
    healthcheck: health(["bash", `${PLACES.scripts}/health.sh`, String(web), "/admin/v2/brokers/ready"]),
    stop_signal: "SIGTERM",
    stop_grace_period: "90s",
  };
}

/** Declares streams and namespaces, and ends. */
function objects(stack: ComposedStack) {
  return {
    ...ours(stack),
    ...CONFINED,
    user: NONROOT,
    command: ["sh", "/opt/compose/objects.sh", PLACES.objects],
    volumes: [
      `./compose/config/objects:${PLACES.objects}:ro`,
      "./compose/objects.sh:/opt/compose/objects.sh:ro",
      `./scripts:${PLACES.scripts}:ro`,
      `objects-ledger:${PLACES.prefix}/var/lib/messaging`,
    ],
    // Where there is such a directory, it is mounted with its mode and for root.
    tmpfs: ["/tmp", `${PLACES.prefix}/run:mode=700,uid=${NONROOT.replace(/:.*/, "")}`],
    depends_on: { nats: { condition: "service_healthy" }, pulsar: { condition: "service_healthy" } },
  };
}

function benthos(stack: ComposedStack) {
  const { benthos } = stack;
  const [process] = benthos.processes;
  const { config, directory } = PLACES.benthos;
  const { prefix, scripts } = PLACES;
  const program = `${prefix}/opt/benthos/${benthos.version}/benthos`;
  const { pipelines, shared } = process.files;
  return {
    ...ours(stack),
    ...SERVER,
    ...reads(stack, "benthos", ...[...shared, ...pipelines].flatMap(({ path, text }) => [path, text])),
    user: NONROOT,
    command: ["sh", `${scripts}/start.sh`, "/dev/null", `${config}/benthos_env.sh`, program, ...benthosArguments(directory)],
    // For operators, who run the nats CLI in the container.
    environment: { NATS_URL: natsUrls(stack.nats, PEERS.peer("nats-server")).url },
    ...limits(process.memoryBytes),
    ports: [port("BENTHOS_PORT", process.port)],
    volumes: [
      `./compose/config/benthos:${config}:ro`,
      `./compose/config/benthos/benthos.yaml:${directory}/benthos.yaml:ro`,
      ...["resources", "templates"].map((folder) => `./pipelines/${folder}:${directory}/${folder}:ro`),
      ...pipelines.map(({ path }) => `./pipelines/${path}:${directory}/streams/${path}:ro`),
      `./scripts:${scripts}:ro`,
      `benthos-data:${prefix}/var/lib/benthos`,
    ],
    depends_on: { objects: { condition: "service_completed_successfully" } },
    healthcheck: health(["bash", `${scripts}/health.sh`, String(process.port), "/ping"]),
    stop_signal: "SIGTERM",
    stop_grace_period: `${benthos.shutdownTimeoutSeconds + 10}s`,
  };
}

/** The image that compose/Dockerfile makes. */
function ours({ nats, benthos }: ComposedStack) {
  const versions = {
    gojq: pinnedVersions("gojq")[0],
    nats: pinnedVersions("nats")[0],
    benthos: benthos.version,
    duckdb: pinnedVersions("duckdb")[0],
    "nats-server": nats.version,
  };
  return {
    image: `localhost/messaging/pipelines:${benthos.version}`,
    build: {
      context: ".",
      dockerfile: "compose/Dockerfile",
      args: {
        GO_IMAGE: IMAGES.go,
        BASE_IMAGE: IMAGES.base,
        PREFIX: PLACES.prefix,
        GOPROXY: variable("GOPROXY", "https://proxy.golang.org,direct"),
        VERSIONS: Object.entries(versions)
          .map(([name, version]) => `${name}=${version}`)
          .join(" "),
      },
    },
  };
}

/** The pinned image of a server. @throws Error when it has another version than the stack */
function image(name: "nats" | "pulsar", version: string): string {
  const pinned = IMAGES[name];
  if (!pinned.split("@")[0]?.split(":")[1]?.startsWith(version))
    throw new Error(`config/versions.json has ${pinned}, and the stack takes version ${version}`);
  return pinned;
}

/** What a service reads as a label, so that another config is another container. */
function reads(stack: ComposedStack, folder: string, ...more: readonly string[]) {
  const texts = Object.entries(composeFiles(stack)).flatMap(([path, text]) => (path.startsWith(`${folder}/`) ? [path, text] : []));
  return { labels: { "messaging.config": digest([...texts, ...more].join("\0")) } };
}

/** A value that .env or the environment may set otherwise. */
function variable(name: string, otherwise: string): string {
  return `\${${name}:-${otherwise}}`;
}

/** A port of a container on this machine's loopback. */
function port(name: string, inside: number): string {
  return `127.0.0.1:${variable(name, String(inside))}:${inside}`;
}

/** In whole MiB, without swap. */
function limits(bytes: number) {
  const cap = `${Math.floor(bytes / 2 ** 20)}m`;
  return { mem_limit: cap, memswap_limit: cap };
}

function health(command: readonly string[]) {
  return { test: ["CMD", ...command], interval: "10s", timeout: "5s", start_period: "60s", retries: 3 };
}

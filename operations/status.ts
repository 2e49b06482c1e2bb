import { parseArgs } from "node:util";
import { formatBytes } from "../config/units";
import { ledgerProgram } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { askHosts } from "./ask-hosts";
import { LEDGER } from "./stack-state";

/** What a product reports about itself. Sizes in bytes. */
interface ProductStatus {
  readonly version: string;
  readonly uptime: string;
  readonly memoryBytes: number;
  readonly endpoint: string;
  readonly connections?: number;
  readonly slowConsumers?: number;
  /** JetStream's. */
  readonly streams?: readonly { readonly name: string; readonly messages: number; readonly bytes: number }[];
  /** Benthos's, with the messages that its components counted since the start of the process. */
  readonly pipelines?: readonly { readonly name: string; readonly received: number; readonly sent: number; readonly errors: number }[];
  /** Pulsar's; the backlog is the sum over the subscriptions, in messages. */
  readonly topics?: readonly { readonly name: string; readonly backlog: number; readonly bytes: number }[];
}

interface ServiceStatus {
  readonly host: string;
  readonly service: string;
  readonly state: string;
  /** Planned cap in bytes. */
  readonly capBytes: number | undefined;
  readonly enforcement: string;
  /** Undefined while the service does not answer. */
  readonly product: ProductStatus | undefined;
}

/** Component that a service belongs to, as the memory plan names it. */
const COMPONENTS: Readonly<Record<string, string>> = { "nats-server": "nats" };

async function status(): Promise<{ readonly services: ServiceStatus[]; readonly silent: readonly string[] }> {
  const { answers, silent } = await askHosts(async ({ key, config, prefix, byComponent, enforcement }) => {
    const report = await onHost(config, (run) => run(ledgerProgram("status.sh", prefix, LEDGER), []));
    return report.split("\n").flatMap((line) => {
      const [service = "", state = "", json = ""] = line.split("\t");
      if (service === "") return [];
      const product = json === "" ? undefined : (JSON.parse(json) as ProductStatus);
      return [{ host: key, service, state, capBytes: byComponent[COMPONENTS[service] ?? service], enforcement, product }];
    });
  });
  return { services: [...answers.values()].flat(), silent };
}

function show({ host, service, state, capBytes, enforcement, product }: ServiceStatus): void {
  console.log(
    `${host}/${service} ${product?.version ?? ""}  ${state}${product === undefined ? ", does not answer" : `, up ${product.uptime}`}`,
  );
  if (product === undefined) return;
  const cap = capBytes === undefined ? "" : ` of ${formatBytes(capBytes)} (${enforcement})`;
  console.log(`  ${product.endpoint}  memory ${formatBytes(product.memoryBytes)}${cap}`);
  if (product.connections !== undefined) console.log(`  connections ${product.connections}  slow consumers ${product.slowConsumers ?? 0}`);
  for (const { name, messages, bytes } of product.streams ?? [])
    console.log(`  stream ${name}: ${messages} messages, ${formatBytes(bytes)}`);
  for (const { name, received, sent, errors } of product.pipelines ?? [])
    console.log(`  pipeline ${name}: received ${received}, sent ${sent}, errors ${errors}`);
  for (const { name, backlog, bytes } of product.topics ?? []) console.log(`  topic ${name}: backlog ${backlog}, ${formatBytes(bytes)}`);
}

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
status().then(
  ({ services, silent }) => {
    if (values.json) console.log(JSON.stringify(services, undefined, 2));
    else if (services.length === 0 && silent.length === 0) console.log("nothing is deployed; npm run up");
    else services.forEach(show);
    for (const line of silent) console.error(line);
    process.exitCode = silent.length === 0 && services.every(({ product }) => product !== undefined) ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);

import { natsUrls } from "../components/nats-jetstream";
import { internalPort, pulsarAdminUrl } from "../components/pulsar-standalone";
import { pipelineEnvironment } from "../components/benthos-pipelines";
import { layout } from "../hosts/layout";
import { inputText, LEDGER_FORMAT, resourceName, type TaskText } from "../hosts/task";
import { benthosDirectory, benthosEnv } from "../render/benthos";
import { offloadDriver } from "../render/namespaces";
import { natsServerConf } from "../render/nats-server";
import { clientConf, offloadProfile, pulsarEnv, type PulsarPaths, standaloneConf } from "../render/pulsar";
import { entryLocationRocksdbConf, ledgerMetadataRocksdbConf } from "../render/pulsar-rocksdb";
import { streamsTask } from "../tasks/jetstream";
import { declaredNamespaces, namespacesTask } from "../tasks/namespaces";
import { PEERS, PLACES } from "./places";
import type { ComposedStack } from "./stack";

/** Configs and declared objects of a stack in containers, by their paths below compose/config. */
export function composeFiles(stack: ComposedStack): Readonly<Record<string, string>> {
  const { name, nats, pulsar, benthos } = stack;
  const [process] = benthos.processes;
  const paths = pulsarPaths(stack);
  const { "benthos.yaml": benthosYaml = "" } = benthosDirectory(benthos, process, { address: "0.0.0.0" });
  const config = {
    "nats/nats-server.conf": natsServerConf(nats, name, { storeDir: PLACES.nats.data, pidFile: undefined, address: "0.0.0.0" }),
    "pulsar/standalone.conf": standaloneConf(pulsar, paths),
    "pulsar/pulsar_env.sh": pulsarEnv(pulsar, paths),
    // The address for clients of this machine leads nowhere in the container.
    "pulsar/client.conf": clientConf(pulsar, paths, `${PEERS.peer("pulsar")}:${internalPort(pulsar)}`),
    "pulsar/entry_location_rocksdb.conf": entryLocationRocksdbConf(),
    "pulsar/ledger_metadata_rocksdb.conf": ledgerMetadataRocksdbConf(),
    ...(paths.tieredStorage === undefined
      ? {}
      : { "pulsar/filesystem_offload_core_site.xml": offloadProfile(paths.tieredStorage.directory) }),
    "benthos/benthos.yaml": benthosYaml,
    "benthos/benthos_env.sh": benthosEnv(pipelineEnvironment(benthos, stack, layout(PLACES.prefix), PEERS), process.goMemLimitBytes),
  };
  const objects = objectTasks(stack).map((task, index) => [`objects/${String(index + 1).padStart(2, "0")}-${task.name}`, task] as const);
  return { ...config, ...Object.fromEntries(objects.map(([path, task]) => [path, taskText(name, task)])) };
}

/** The tasks that declare what the servers hold. */
function objectTasks({ nats, pulsar, namespaces }: ComposedStack): TaskText[] {
  const streams = streamsTask({ ...natsUrls(nats, PEERS.peer("nats-server")), streams: nats.streams });
  const offload = offloadDriver(pulsarPaths({ pulsar }).tieredStorage);
  return [
    ...(streams === undefined ? [] : [streams]),
    namespacesTask(pulsarAdminUrl(pulsar, PEERS.peer("pulsar")), declaredNamespaces(namespaces, offload)),
  ];
}

/** A task as the launcher reads it. */
function taskText(stack: string, task: TaskText): string {
  const inputs = {
    TASK: task.script,
    RESOURCE: resourceName("local", task),
    STACK: `messaging/${stack}`,
    PREFIX: PLACES.prefix,
    FORMAT: LEDGER_FORMAT,
    ...task.inputs,
  };
  return inputText(inputs, task.body);
}

/** Where Pulsar's files are in its official image. */
function pulsarPaths({ pulsar }: Pick<ComposedStack, "pulsar">): PulsarPaths {
  const { home, config, data, logs, java } = PLACES.pulsar;
  return {
    data,
    logs,
    javaHome: java,
    entryLocationRocksdbConf: `${config}/entry_location_rocksdb.conf`,
    ledgerMetadataRocksdbConf: `${config}/ledger_metadata_rocksdb.conf`,
    tieredStorage:
      pulsar.tieredStorage === undefined
        ? undefined
        : { offloaders: `${home}/offloaders`, profile: `${config}/filesystem_offload_core_site.xml`, directory: `${data}/offload` },
    auth: undefined,
    loopback: "lo",
    contained: { name: PEERS.peer("pulsar"), port: internalPort(pulsar) },
  };
}

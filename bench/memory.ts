// What each service has in memory, idle and under load, against what it is planned with. Brings up Pulumi.dev.yaml and Pulumi.small.yaml below a temporary
// prefix, prints, draws docs/memory.svg, and judges nothing.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { parseConfig } from "../config/load";
import { planRam } from "../config/ram";
import { ledgerProgram } from "../hosts/scripts";
import { root } from "../setup/paths";
import { freePorts } from "../test/support/temporary";
import { TestStack } from "../test/support/test-stack";
import { drawInDocs, say } from "./report";
import { MEBIBYTE } from "./statistics";

const PRESETS = ["dev", "small"] as const;

/** How long a service is left alone before it counts as idle, and how long the load lasts. */
const IDLE_SECONDS = 30;
const LOAD_SECONDS = 60;

/** Component by its process, in the words of the memory plan. */
const COMPONENTS: Readonly<Record<string, string>> = {
  "nats-server": "nats",
  pulsar: "pulsar",
  benthos: "benthos",
  supervisord: "supervisord",
};

interface Measured {
  readonly service: string;
  readonly plannedBytes: number;
  readonly idleBytes: number;
  /** The most that was seen. */
  readonly loadBytes: number;
}

/** Bytes by service: their share of the pages in memory (PSS). */
function usage(stack: TestStack): Map<string, number> {
  const { stdout } = spawnSync("sh", ["-s"], { input: ledgerProgram("usage.sh", stack.prefix, "messaging/test"), encoding: "utf8" });
  const lines = stdout.split("\n").map((line) => line.split("\t"));
  return new Map(lines.flatMap(([kind, service = "", bytes]) => (kind === "memory" ? [[service, Number(bytes)]] : [])));
}

/** Clients that publish and consume on both servers. They are not measured. */
function load(stack: TestStack, serviceUrl: string): ChildProcess[] {
  const bench = (...args: string[]) => stack.startNats("bench", "--no-progress", ...args);
  const perf = (...args: string[]) =>
    spawn(
      join(stack.prefix, "opt/pulsar/current/bin/pulsar-perf"),
      [...args, "--service-url", serviceUrl, "persistent://arc/agents/task-events"],
      {
        env: {
          ...process.env,
          JAVA_HOME: javaHome(stack),
          PULSAR_MEM: "-Xms64m -Xmx256m -XX:MaxDirectMemorySize=256m",
          OPTS: "",
        },
        stdio: "ignore",
      },
    );
  return [
    bench("bench.stored", "--js", "--pub", "4", "--msgs", "200000", "--size", "1024"),
    bench("bench.plain", "--pub", "4", "--sub", "4", "--msgs", "2000000", "--size", "512"),
    // What the pipelines bridge and store; each one waits until it is stored, or it would queue up before the disk and readers would starve.
    stack.startNats(
      "request",
      "events.bench",
      '{"agent":"bench","kind":"load","at":"2026-01-02T03:04:05Z","data":{"n":{{Count}}}}',
      "--count",
      "50000",
    ),
    perf("consume", "--subscription-name", "bench", "--test-duration", String(LOAD_SECONDS)),
    perf("produce", "--rate", "5000", "--size", "1024", "--test-duration", String(LOAD_SECONDS)),
  ];
}

function javaHome(stack: TestStack): string {
  const environment = readFileSync(join(stack.prefix, "etc/pulsar/pulsar_env.sh"), "utf8");
  return /JAVA_HOME=["']?([^"'\n]+)/.exec(environment)?.[1] ?? "";
}

/** How many messages each server got. @throws Error when one got none: nothing would be measured */
async function received(stack: TestStack, web: number): Promise<string> {
  const varz = await stack.monitor("varz");
  const taken = async (topic: string) => {
    const stats = await fetch(`http://127.0.0.1:${web}/admin/v2/persistent/arc/agents/${topic}`);
    return ((await stats.json()) as { msgInCounter: number }).msgInCounter;
  };
  const counts = {
    nats: Number(varz?.["in_msgs"]),
    pulsar: await taken("task-events/partitioned-stats"),
    benthos: await taken("events/stats"),
  };
  if (Object.values(counts).some((count) => !(count > 1000))) throw new Error(`too little load: ${JSON.stringify(counts)} messages`);
  return `${counts.nats} messages through NATS, ${counts.pulsar} through Pulsar, ${counts.benthos} from one to the other through Benthos`;
}

async function measure(preset: string): Promise<Measured[]> {
  const { config } = parse(readFileSync(join(root, `Pulumi.${preset}.yaml`), "utf8")) as {
    config: Record<string, Record<string, unknown>>;
  };
  const settings = Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace("messaging:", ""), value]));
  const stack = await TestStack.forPulumi();
  const [broker = 0, web = 0, bookie = 0, http = 0] = await freePorts(4);
  const placed = {
    ...settings,
    hosts: { local: { prefix: stack.prefix } },
    nats: { ...settings["nats"], ports: { client: stack.client, monitoring: stack.monitoring } },
    pulsar: { ...settings["pulsar"], ports: { broker, web, bookie } },
    benthos: { ...settings["benthos"], ports: { http } },
  };
  const { byComponent } = planRam(parseConfig(placed), true);
  const clients: ChildProcess[] = [];
  try {
    stack.configureWithoutNats(placed);
    const up = stack.operate("up");
    if (up.status !== 0) throw new Error(up.output);
    await sleep(IDLE_SECONDS * 1000);
    const idle = usage(stack);
    clients.push(...load(stack, `pulsar://127.0.0.1:${broker}`));
    const most = new Map(idle);
    for (let second = 0; second < LOAD_SECONDS; second += 2) {
      await sleep(2000);
      for (const [service, bytes] of usage(stack)) most.set(service, Math.max(bytes, most.get(service) ?? 0));
    }
    say(await received(stack, web));
    return Object.entries(COMPONENTS).map(([service, component]) => ({
      service,
      plannedBytes: byComponent[component] ?? NaN,
      idleBytes: idle.get(service) ?? NaN,
      loadBytes: most.get(service) ?? NaN,
    }));
  } finally {
    for (const client of clients) client.kill();
    stack.operate("destroy");
    stack.dispose();
  }
}

/** Measures both presets. */
export async function benchMemory(): Promise<void> {
  const groups = [];
  for (const preset of PRESETS) {
    say(`memory in MiB (PSS), Pulumi.${preset}.yaml: ${IDLE_SECONDS} s idle, then the most within ${LOAD_SECONDS} s of load`);
    const rows = await measure(preset);
    say("service         planned      idle      load   of plan");
    for (const { service, plannedBytes, idleBytes, loadBytes } of rows) {
      const columns = [plannedBytes, idleBytes, loadBytes].map((bytes) =>
        Math.ceil(bytes / MEBIBYTE)
          .toString()
          .padStart(10),
      );
      say(`${service.padEnd(13)}${columns.join("")}${((100 * loadBytes) / plannedBytes).toFixed(0).padStart(8)} %`);
      const mebibytes = [plannedBytes, idleBytes, loadBytes].map((bytes) => Math.ceil(bytes / MEBIBYTE));
      groups.push({ name: `${preset}: ${service}`, values: mebibytes });
    }
  }
  const series = [
    { name: "planned, at most", color: "#d0d0d0" },
    { name: "idle", color: "#7fb3d5" },
    { name: "under load, the most seen", color: "#1f618d" },
  ];
  drawInDocs("memory.svg", { title: "Memory of each service in MiB (PSS)", series, groups });
}

// What our NATS config costs at run time: `nats bench` against our config and against a bare one, in turn, on loopback. Prints, judges nothing.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../config/load";
import { natsServerConf } from "../render/nats-server";
import { NatsClient } from "../test/support/nats-client";
import { executable } from "./artifacts";
import { PERCENTILES, percentile, printPairs } from "./statistics";

/** Interleaved pairs of each workload. */
const PAIRS = 5;

/** Arguments of `nats bench`, and the kind of server that ours is compared with. */
const WORKLOADS = [
  { name: "publish to one subscriber", args: ["--pub", "1", "--sub", "1", "--msgs", "200000"], against: "bare" },
  { name: "JetStream publish, fsync each", args: ["--js", "--purge", "--pub", "4", "--msgs", "8000"], against: "bare" },
  { name: "the price of fsync: JetStream publish", args: ["--js", "--purge", "--pub", "4", "--msgs", "8000"], against: "interval" },
] as const;

type Kind = "ours" | (typeof WORKLOADS)[number]["against"];

interface Server {
  readonly url: string;
  readonly process: ChildProcess;
}

const directory = mkdtempSync(join(tmpdir(), "messaging-bench-"));

function config(kind: Kind, port: number, storeDir: string): string {
  if (kind === "ours") {
    const { nats } = parseConfig({ nats: { ports: { client: port, monitoring: port + 1 } } });
    if (nats === undefined) throw new Error("unreachable: nats is configured");
    return natsServerConf(nats, "bench", { storeDir, pidFile: join(directory, "ours.pid") });
  }
  const sync = kind === "bare" ? "always" : '"120s"';
  return `listen: 127.0.0.1:${port}\njetstream {\n  store_dir: "${storeDir}"\n  sync_interval: ${sync}\n}\n`;
}

async function start(kind: Kind, port: number): Promise<Server> {
  const storeDir = join(directory, kind);
  mkdirSync(storeDir);
  const file = join(directory, `${kind}.conf`);
  writeFileSync(file, config(kind, port, storeDir));
  const server = spawn(executable("nats-server"), ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  for await (const chunk of server.stderr) if (String(chunk).includes("Server is ready")) break;
  return { url: `nats://127.0.0.1:${port}`, process: server };
}

/** Messages a second, all publishers together. */
function rate(server: Server, args: readonly string[]): number {
  const csv = join(directory, "bench.csv");
  const common = ["bench", "bench.subject", "--no-progress", "--csv", csv];
  execFileSync(executable("nats"), ["--no-context", "--server", server.url, ...common, ...args], { stdio: "ignore", timeout: 300_000 });
  const [header = "", ...rows] = readFileSync(csv, "utf8").trim().split("\n");
  const column = header.split(",").indexOf("MsgsPerSec");
  const publishers = rows.map((row) => row.split(",")).filter(([, client]) => client?.startsWith("P"));
  return publishers.reduce((sum, row) => sum + Number(row[column]), 0);
}

/** Requests of one measurement of the latency, one after the other. */
const REQUESTS = 5000;

/** Milliseconds that the answer to each request took. The first tenth warms up and does not count. */
async function latencies(server: Server): Promise<number[]> {
  const options = ["--no-context", "--server", server.url];
  const responder = spawn(executable("nats"), [...options, "reply", "bench.request", "answer"], { stdio: ["ignore", "ignore", "pipe"] });
  const client = new NatsClient(Number(new URL(server.url).port));
  try {
    // It says when it has subscribed.
    await once(responder.stderr, "data");
    responder.stderr.resume();
    const times: number[] = [];
    for (let request = 0; request < REQUESTS; request++) {
      const start = performance.now();
      await client.request("bench.request", "question");
      times.push(performance.now() - start);
    }
    return times.slice(REQUESTS / 10);
  } finally {
    client.close();
    responder.kill();
    await once(responder, "exit");
  }
}

/** Prints the rates of every workload, and the latency of a request and its reply. */
export async function benchNats(): Promise<void> {
  const servers = new Map<Kind, Server>();
  try {
    for (const [index, kind] of (["ours", "bare", "interval"] as const).entries())
      servers.set(kind, await start(kind, 15_222 + 10 * index));
    for (const { name, args, against } of WORKLOADS) {
      const [ours, other] = [servers.get("ours"), servers.get(against)];
      if (ours === undefined || other === undefined) throw new Error("unreachable: every kind is started");
      const pairs = Array.from({ length: PAIRS }, () => [rate(ours, args), rate(other, args)] as const);
      printPairs(`${name} (messages/s)`, against, pairs, 0);
    }
    const [ours, bare] = [servers.get("ours"), servers.get("bare")];
    if (ours === undefined || bare === undefined) throw new Error("unreachable: every kind is started");
    const rounds: (readonly [number[], number[]])[] = [];
    for (let pair = 0; pair < PAIRS; pair++) rounds.push([await latencies(ours), await latencies(bare)]);
    for (const percent of PERCENTILES) {
      const pairs = rounds.map(([mine, theirs]) => [percentile(mine, percent), percentile(theirs, percent)] as const);
      printPairs(`request and reply, ${percent} % within (ms)`, "bare", pairs, 3);
    }
  } finally {
    for (const { process: server } of servers.values()) {
      server.kill("SIGINT");
      await once(server, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

// What our NATS config costs at run time: `nats bench` against our config and against a bare one, in turn, on loopback. Prints, judges nothing.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../config/load";
import { natsServerConf } from "../render/nats-server";
import { executable } from "./artifacts";
import { SPREAD, spread } from "./statistics";

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

/** Prints the rates of every workload. */
export async function benchNats(): Promise<void> {
  const servers = new Map<Kind, Server>();
  try {
    for (const [index, kind] of (["ours", "bare", "interval"] as const).entries())
      servers.set(kind, await start(kind, 15_222 + 10 * index));
    for (const { name, args, against } of WORKLOADS) {
      const [ours, other] = [servers.get("ours"), servers.get(against)];
      if (ours === undefined || other === undefined) throw new Error("unreachable: every kind is started");
      const pairs = Array.from({ length: PAIRS }, () => [rate(ours, args), rate(other, args)] as const);
      console.log(`${`${name} (messages/s)`.padEnd(46)}${SPREAD}`);
      console.log(
        `  ${"ours".padEnd(44)}${spread(
          pairs.map(([mine]) => mine),
          0,
        )}`,
      );
      console.log(
        `  ${against.padEnd(44)}${spread(
          pairs.map(([, theirs]) => theirs),
          0,
        )}`,
      );
      console.log(
        `  ${"ratio of each pair".padEnd(44)}${spread(
          pairs.map(([mine, theirs]) => mine / theirs),
          2,
        )}`,
      );
    }
  } finally {
    for (const { process: server } of servers.values()) {
      server.kill("SIGINT");
      await once(server, "exit");
    }
    rmSync(directory, { recursive: true, force: true });
  }
}

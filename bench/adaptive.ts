// Runs a pipeline against a downstream that degrades and heals, and draws how the rate limit `adaptive` follows: npx tsx bench/adaptive.ts FILE.svg
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinnedVersions } from "../config/pins";
import { artifactDir, platform } from "../setup/paths";
import { type Line, type Span, timeChart } from "./svg";

const BENTHOS_PORT = 14_195;
const SAMPLE_SECONDS = 0.5;

/** What the downstream bears, phase by phase. Beyond its capacity it answers 503. */
const PHASES = [
  { seconds: 20, name: "healthy: 400/s", perSecond: 400, latencyMilliseconds: 5 },
  { seconds: 20, name: "503 above 100/s", perSecond: 100, latencyMilliseconds: 5 },
  { seconds: 15, name: "healed: 400/s", perSecond: 400, latencyMilliseconds: 5 },
  { seconds: 20, name: "slow: 50 ms one after the other", perSecond: Infinity, latencyMilliseconds: 50 },
  { seconds: 25, name: "healed: 400/s", perSecond: 400, latencyMilliseconds: 5 },
];

interface Sample {
  readonly second: number;
  readonly accepted: number;
  readonly refused: number;
  readonly limit: number;
}

async function main(file: string): Promise<void> {
  const started = Date.now();
  const phaseNow = () => {
    let left = (Date.now() - started) / 1000;
    return PHASES.find(({ seconds }) => (left -= seconds) < 0);
  };
  let accepted = 0;
  let refused = 0;
  let room = 0;
  let busyUntil = 0;
  const refill = setInterval(() => (room = (phaseNow()?.perSecond ?? 0) / 20), 50);
  const downstream = createServer((_, answer) => {
    if (room-- < 1) {
      refused++;
      answer.writeHead(503).end();
      return;
    }
    const { latencyMilliseconds = 0 } = phaseNow() ?? {};
    // Slow means one after the other: the more come, the longer each waits.
    const slow = latencyMilliseconds > 10;
    busyUntil = Math.max(busyUntil, Date.now()) + (slow ? latencyMilliseconds : 0);
    setTimeout(
      () => {
        accepted++;
        answer.end();
      },
      slow ? busyUntil - Date.now() : latencyMilliseconds,
    );
  }).listen(0, "127.0.0.1");
  await once(downstream, "listening");
  const directory = mkdtempSync(join(tmpdir(), "m-"));
  const config = join(directory, "benthos.yaml");
  writeFileSync(config, JSON.stringify(pipeline(`http://127.0.0.1:${(downstream.address() as AddressInfo).port}`)));
  const benthos = spawn(join(artifactDir("benthos", pinnedVersions("benthos")[0], platform()), "benthos"), ["-c", config], {
    stdio: "ignore",
  });
  try {
    const samples: Sample[] = [];
    const total = PHASES.reduce((sum, { seconds }) => sum + seconds, 0);
    while ((Date.now() - started) / 1000 < total - SAMPLE_SECONDS) {
      [accepted, refused] = [0, 0];
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_SECONDS * 1000));
      const perSecond = (count: number) => count / SAMPLE_SECONDS;
      samples.push({
        second: (Date.now() - started) / 1000,
        accepted: perSecond(accepted),
        refused: perSecond(refused),
        limit: await currentLimit(),
      });
    }
    writeFileSync(file, draw(samples));
    for (const { seconds, name } of PHASES) console.log(`${String(seconds).padStart(3)} s  ${name}`);
  } finally {
    clearInterval(refill);
    benthos.kill("SIGKILL");
    await once(benthos, "exit");
    downstream.closeAllConnections();
    downstream.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** More messages than the downstream ever bears; the circuit breaker never opens, so that only the rate limit acts. */
function pipeline(url: string): unknown {
  return {
    http: { address: `127.0.0.1:${BENTHOS_PORT}` },
    logger: { level: "NONE" },
    metrics: { prometheus: {} },
    rate_limit_resources: [
      { label: "downstream", adaptive: { initial: 50, minimum: 5, maximum: 1000, increase: 25, latency: "300ms", interval: "500ms" } },
    ],
    input: { generate: { interval: "1ms", mapping: 'root = "message"' } },
    output: {
      circuit_breaker: {
        rate_limit: "downstream",
        threshold: 1_000_000,
        max_attempts: 0,
        output: { http_client: { url, verb: "POST", retries: 0, max_in_flight: 64 } },
      },
    },
  };
}

async function currentLimit(): Promise<number> {
  const text = await fetch(`http://127.0.0.1:${BENTHOS_PORT}/metrics`).then(
    (answer) => answer.text(),
    () => "",
  );
  return Number(/^adaptive_rate_limit\{.*\} (\S+)$/m.exec(text)?.[1] ?? NaN);
}

function draw(samples: readonly Sample[]): string {
  const line = (name: string, color: string, key: "accepted" | "refused" | "limit"): Line => ({
    name,
    color,
    points: samples.filter((sample) => Number.isFinite(sample[key])).map((sample) => [sample.second, sample[key]] as const),
  });
  let start = 0;
  const spans = PHASES.map(({ seconds, name }): Span => ({ name, start, end: (start += seconds) }));
  return timeChart({
    title: "A downstream degrades and heals; the rate limit `adaptive` follows",
    xLabel: "seconds",
    yLabel: "messages per second",
    spans,
    lines: [line("limit", "#1f77b4", "limit"), line("accepted", "#2ca02c", "accepted"), line("refused with 503", "#d62728", "refused")],
  });
}

main(process.argv[2] ?? "docs/adaptive-rate-limit.svg").catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

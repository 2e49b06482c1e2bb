// Hours' work in minutes, on the smallest sensible stack (Pulumi.small.yaml): memory idle and under load, and power failures in a row. Prints the figures for
// docs/soak.md. SOAK_MINUTES (10) and SOAK_KILLS (20) say how long.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { PulsarRest } from "../support/pulsar-rest";
import { eventually, freePorts } from "../support/temporary";
import { TestStack } from "../support/test-stack";

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 10);
const KILLS = Number(process.env["SOAK_KILLS"] ?? 20);

const MIB = 2 ** 20;

/** What all systems together may use idle. */
const IDLE_BYTES = 700 * MIB;

const EVENTS = "persistent/arc/agents/events";

/** What a process has for itself and its share of what it has with others, in bytes. */
function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) * 1024;
}

const mebibytes = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;

describe("Pulsar in the long run", { timeout: 14_400_000 }, () => {
  let stack: TestStack;
  let pulsar: PulsarRest;
  let broker: number;

  before(async () => {
    stack = await TestStack.forPulumi();
    const { config } = parse(readFileSync(join(__dirname, "../../Pulumi.small.yaml"), "utf8")) as { config: Record<string, object> };
    const ports = await freePorts(3);
    const [, web = 0, bookie = 0] = ports;
    [broker = 0] = ports;
    pulsar = new PulsarRest(web);
    stack.configureWithoutNats({
      ramBudget: config["messaging:ramBudget"],
      nats: { ...config["messaging:nats"], ports: { client: stack.client, monitoring: stack.monitoring } },
      pulsar: { ...config["messaging:pulsar"], ports: { broker, web, bookie } },
      namespaces: { "arc/agents": { retention: { time: "7d", size: "5GB" }, topics: { events: {} } } },
    });
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
  });
  after(() => stack.dispose());

  test("all systems together stay small while nobody uses them", async (context) => {
    await sleep(60_000);
    const services = ["pulsar", "nats-server", "supervisord"] as const;
    const used = services.map((service) => pss(stack.pid(service)));
    const sum = used.reduce((one, other) => one + other, 0);
    context.diagnostic(
      `idle: ${services.map((service, index) => `${service} ${mebibytes(used[index] ?? 0)}`).join(", ")}; ${mebibytes(sum)} PSS`,
    );
    assert.ok(sum < IDLE_BYTES, mebibytes(sum));
  });

  test("under load memory stays below the cap that the budget computed", async (context) => {
    const { output } = stack.pulumi("stack", "output", "ram", "--json");
    const { byComponent } = JSON.parse(output.slice(output.indexOf("{"))) as { byComponent: { pulsar: number } };
    const loaded = "persistent://public/default/loaded";
    const perf = (...args: string[]): ChildProcess =>
      spawn(join(stack.prefix, "opt/pulsar/current/bin/pulsar-perf"), [...args, "--service-url", `pulsar://127.0.0.1:${broker}`, loaded], {
        env: {
          ...process.env,
          JAVA_HOME: javaHome(),
          PULSAR_LOG_DIR: stack.directory,
          PULSAR_MEM: "-Xmx256m -XX:MaxDirectMemorySize=256m",
        },
        stdio: "ignore",
      });
    const seconds = String(MINUTES * 60);
    const clients = [
      perf("consume", "--subscription-position", "Earliest", "--test-duration", seconds),
      perf("produce", "--rate", "2000", "--size", "1024", "--test-duration", seconds),
    ];
    const samples: number[] = [];
    try {
      const end = Date.now() + MINUTES * 60_000;
      while (Date.now() < end) {
        samples.push(pss(stack.pid("pulsar")));
        await sleep(2000);
      }
    } finally {
      for (const client of clients) {
        client.kill();
        if (client.exitCode === null) await once(client, "exit");
      }
    }
    const stats = (await pulsar.admin("GET", "persistent/public/default/loaded/stats")) as { msgInCounter: number; msgOutCounter: number };
    const most = Math.max(...samples);
    context.diagnostic(
      `${MINUTES} minutes: ${stats.msgInCounter} messages of 1 KiB in, ${stats.msgOutCounter} out; PSS at most ${mebibytes(most)}, ` +
        `in the end ${mebibytes(samples.at(-1) ?? NaN)}, of a cap of ${mebibytes(byComponent.pulsar)} (${samples.length} samples)`,
    );
    assert.ok(stats.msgInCounter > MINUTES * 60 * 100 && stats.msgOutCounter > MINUTES * 60 * 100, "there was a load");
    assert.ok(most < byComponent.pulsar, mebibytes(most));
  });

  test("messages, cursors and policies survive power failures in a row", async (context) => {
    await pulsar.admin("PUT", `${EVENTS}/subscription/workers`, { ledgerId: -1, entryId: -1 });
    const [published, acknowledged] = [50, 20];
    const policies = await pulsar.admin("GET", "namespaces/arc/agents");
    const down: number[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      await pulsar.publish(EVENTS, published, (kill - 1) * published);
      await pulsar.admin("POST", `${EVENTS}/subscription/workers/skip/${acknowledged}`);
      const pid = stack.pid("pulsar");
      const start = Date.now();
      process.kill(pid, "SIGKILL");
      await eventually(`healthy after kill ${kill}`, 180, async () => stack.pid("pulsar") !== pid && (await pulsar.healthy()));
      down.push((Date.now() - start) / 1000);
      assert.equal(await pulsar.backlog(EVENTS, "workers"), kill * (published - acknowledged), `backlog after kill ${kill}`);
      assert.deepEqual(await pulsar.admin("GET", "namespaces/arc/agents"), policies, `policies after kill ${kill}`);
    }
    assert.equal(
      await pulsar.next(`${EVENTS}/subscription/workers`),
      `message ${KILLS * acknowledged}`,
      "the cursor is at the first message that was not acknowledged",
    );
    down.sort((one, other) => one - other);
    context.diagnostic(
      `${KILLS} times kill -9: all ${KILLS * published} messages, ${KILLS * acknowledged} acknowledgements and the policies are there; ready again after ` +
        `${down[0]?.toFixed(0) ?? ""} to ${down.at(-1)?.toFixed(0) ?? ""} s`,
    );
  });

  /** The Java that the stack installed. */
  function javaHome(): string {
    const [line = ""] = /^JAVA_HOME="(.*)"$/m.exec(readFileSync(join(stack.prefix, "etc/pulsar/pulsar_env.sh"), "utf8"))?.slice(1) ?? [];
    return line;
  }
});

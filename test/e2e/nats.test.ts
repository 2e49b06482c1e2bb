import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { lockWhile } from "../../hosts/lock";
import { rehearsalProgram, type RehearsalArgs } from "../../operations/upgrade-plan";
import { stateFile } from "../../setup/stack.js";
import { namespacesAllowed } from "../support/processes";
import { TestStack } from "../support/test-stack";
import { eventually, isAlive } from "../support/temporary";

/** Kills an up, and everything the engine started in its group, as soon as it prints something. */
async function killWhen(stack: TestStack, pattern: RegExp): Promise<void> {
  const up = stack.startNpmScript("up");
  let output = "";
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (pattern.test(output)) resolve();
    };
    up.stdout?.on("data", read);
    up.stderr?.on("data", read);
    up.on("exit", () => reject(new Error(`ended before ${pattern}: ${output}`)));
  });
  up.removeAllListeners("exit");
  const ended = new Promise((resolve) => up.on("exit", resolve));
  process.kill(-(up.pid ?? NaN), "SIGKILL");
  await ended;
}

describe("a stack's life with the npm scripts", { timeout: 1_800_000 }, () => {
  let stack: TestStack;
  let clone: string;
  const cloneStatus = () => spawnSync("git", ["status", "--porcelain", "--", "Pulumi.*"], { encoding: "utf8" }).stdout;

  before(async () => {
    clone = cloneStatus();
    stack = await TestStack.forNpmScripts();
  });
  after(() => stack.dispose());

  const up = () => {
    const result = stack.npmScript("up");
    assert.equal(result.status, 0, result.output);
    return result.output;
  };

  const converged = async (maxConnections: number) => {
    up();
    assert.equal((await stack.monitor("healthz"))?.["status"], "ok");
    assert.equal((await stack.monitor("varz"))?.["max_connections"], maxConnections);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
  };

  test("the first up is killed while it installs; the next one converges by itself", async () => {
    await killWhen(stack, /local-supervisor creating/);
    // The file backend writes these in place: a kill at the wrong moment leaves them empty.
    writeFileSync(`${stateFile(join(stack.directory, "state/messaging/pulumi"), "test")}.attrs`, "");
    await converged(1000);
  });

  test("an up is killed before its first task; the next one converges by itself", async () => {
    stack.configure({ maxConnections: 1001 });
    await killWhen(stack, /Updating \(test\)/);
    await converged(1001);
  });

  test("an up is killed while the server restarts; the next one converges by itself", async () => {
    stack.configure({ maxConnections: 1002 });
    await killWhen(stack, /local-nats-server-service updating/);
    await converged(1002);
    const again = stack.npmScript("up", "--expect-no-changes");
    assert.equal(again.status, 0, again.output);
  });

  test("nothing of the killed runs is left", () => {
    const hosts = spawnSync("ps", ["-eo", "ppid=,args="], { encoding: "utf8" }).stdout.split("\n");
    assert.deepEqual(
      hosts.filter((line) => /^\s*1 .*pulumi-language-nodejs/.test(line)),
      [],
    );
  });

  test("the stack settings are untouched: the CLI writes to a copy", () => {
    assert.doesNotMatch(readFileSync(stack.configFile, "utf8"), /encryptionsalt/);
    assert.equal(cloneStatus(), clone);
  });

  test("outputs --json is JSON alone, with the endpoints and the memory plan", () => {
    const { status, output } = stack.npmScript("outputs", "--json");
    assert.equal(status, 0, output);
    const outputs = JSON.parse(output) as Record<string, unknown>;
    assert.deepEqual(outputs["nats"], {
      url: `nats://127.0.0.1:${stack.client}`,
      monitoringUrl: `http://127.0.0.1:${stack.monitoring}`,
      version: "2.10.29",
      context: "messaging-test-local",
    });
    assert.deepEqual(outputs["ram"], {
      budget: 4 * 2 ** 30,
      reserve: 2 * 2 ** 30,
      planned: 200_000_000 + 32 * 2 ** 20,
      enforcement: "runtime",
      byComponent: { nats: 200_000_000, supervisord: 32 * 2 ** 20 },
    });
    assert.deepEqual(Object.keys(outputs["hosts"] as object), ["local"]);
  });

  test("the budget compares plan and measurement; every process stays under its figure", () => {
    const { status, output } = stack.npmScript("budget", "--json");
    assert.equal(status, 0, output);
    const [local] = JSON.parse(output) as [
      { ram: { component: string; plannedBytes: number; measuredBytes: number }[]; disk: { plannedBytes: number }[] },
    ];
    assert.deepEqual(local.ram.map(({ component, plannedBytes }) => [component, plannedBytes]).sort(), [
      ["local-nats", 200_000_000],
      ["local-tools", 32 * 2 ** 20],
    ]);
    for (const { component, plannedBytes, measuredBytes } of local.ram) {
      assert.ok(measuredBytes > 2 ** 20 && measuredBytes < plannedBytes, `${component}: ${measuredBytes} of ${plannedBytes}`);
    }
    assert.equal(
      local.disk.reduce((sum, { plannedBytes }) => sum + plannedBytes, 0),
      1_000_000_000,
    );
    const table = stack.npmScript("budget").output;
    assert.match(table, /^ +local-nats +together +191 +4\.7 % +runtime +\d+$/m);
    assert.match(table, /^ +JetStream's files +\S+ +954$/m);
  });

  test("every listener is on loopback", () => {
    const ours = [stack.pid("nats-server"), stack.pid("supervisord")];
    const sockets = spawnSync("ss", ["-ltnpH"], { encoding: "utf8" }).stdout.split("\n");
    const listeners = sockets.filter((line) => ours.some((pid) => line.includes(`pid=${pid},`))).map((line) => line.trim().split(/\s+/)[3]);
    assert.deepEqual(listeners.sort(), [`127.0.0.1:${stack.client}`, `127.0.0.1:${stack.monitoring}`].sort());
  });

  test("services have a clean environment: none of the driver's credentials", () => {
    for (const service of ["nats-server", "supervisord"] as const) {
      const environment = readFileSync(`/proc/${stack.pid(service)}/environ`, "utf8");
      assert.doesNotMatch(environment, /PULUMI|XDG_STATE/);
    }
  });

  test("limits are the server's own: configured ones are in effect", async () => {
    stack.configure({
      maxConnections: 321,
      maxPayload: "2MB",
      writeDeadline: "3s",
      jetstream: { maxMemoryStore: "50MB", maxFileStore: "2GiB" },
    });
    up();
    const varz = await stack.monitor("varz");
    assert.equal(varz?.["max_connections"], 321);
    assert.equal(varz["max_payload"], 2_000_000);
    assert.equal(varz["write_deadline"], 3e9);
    assert.equal(varz["gomemlimit"], 170_000_000);
    const { config } = varz["jetstream"] as { config: Record<string, unknown> };
    assert.equal(config["max_memory"], 50_000_000);
    assert.equal(config["max_storage"], 2 * 2 ** 30);
    assert.equal(config["sync_always"], true);
  });

  test("a server killed with -9 is back by itself with its messages", async () => {
    assert.equal(stack.nats("stream", "add", "ORDERS", "--subjects", "orders", "--defaults").status, 0);
    for (const order of ["first", "second", "third"]) assert.match(stack.nats("request", "orders", order).output, /"stream":"ORDERS"/);
    const follower = stack.startNpmScript("logs", "nats", "--lines", "1", "--follow");
    let followed = "";
    follower.stdout?.on("data", (piece: Buffer) => (followed += piece.toString()));
    await eventually("the last line of the log", 30, () => /\n/.test(followed));
    assert.doesNotMatch(followed, /Server is ready\n[^]*\n/);
    const before = followed.length;
    const killed = stack.pid("nats-server");
    process.kill(killed, "SIGKILL");
    await eventually(
      "the server answers again",
      // Two seconds as a rule; tests side by side take their time.
      15,
      async () => stack.pid("nats-server") !== killed && (await stack.monitor("healthz"))?.["status"] === "ok",
    );
    await eventually("the log is followed", 30, () => /Starting nats-server[^]*Server is ready/.test(followed.slice(before)));
    const ended = new Promise((resolve) => follower.on("exit", resolve));
    process.kill(-(follower.pid ?? NaN), "SIGINT");
    assert.equal(await ended, 130);
    assert.match(stack.npmScript("logs", "benthos").output, /^benthos: allowed: nats-server$/m);
    assert.match(stack.nats("stream", "get", "ORDERS", "3").output, /third/);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
  });

  test("drift ends with 0 and names what is unmanaged, and with 1 when it cannot look; status shows the stream", () => {
    const clean = stack.npmScript("drift", "--json");
    assert.equal(clean.status, 0);
    const { drift, unmanaged } = JSON.parse(clean.output) as { drift: unknown[]; unmanaged: Record<string, string[]> };
    assert.deepEqual(drift, []);
    assert.match(unmanaged["local"]?.join() ?? "", /^stream\/ORDERS with 3 messages \(\d+ bytes\)$/);
    assert.match(
      stack.npmScript("drift").output,
      /^no drift\nhost local, not managed by this stack and left alone\n {2}stream\/ORDERS with 3/m,
    );
    assert.equal(stack.npmScript("drift", "--no-such-option").status, 1);
    const status = JSON.parse(stack.npmScript("status", "--json").output) as {
      memoryBytes: number;
      capBytes: number;
      product: { received: { messagesPerSecond: number }; streams: { name: string; messages: number; receivedPerSecond: number }[] };
    }[];
    const [nats] = status;
    assert.deepEqual(
      nats?.product.streams.map(({ name, messages, receivedPerSecond }) => [name, messages, receivedPerSecond]),
      [["ORDERS", 3, 0]],
    );
    assert.equal(nats.capBytes, 200e6);
    assert.ok(nats.memoryBytes > 2 ** 20 && nats.memoryBytes < nats.capBytes, `${nats.memoryBytes} bytes of memory`);
    assert.ok(nats.product.received.messagesPerSecond >= 0);
  });

  test("status --watch shows the rates of a load again and again, in 80 columns, until it is interrupted", async () => {
    const stream = ["--subjects", "load.>", "--storage", "memory", "--max-bytes", "20MB", "--discard", "old", "--defaults"];
    assert.equal(stack.nats("stream", "add", "LOAD", ...stream).status, 0);
    const consumer = stack.nats("consumer", "add", "LOAD", "slow", "--pull", "--defaults");
    assert.equal(consumer.status, 0, consumer.output);
    const load = stack.startNats(
      "bench",
      "load.test",
      "--pub",
      "1",
      "--msgs",
      "100000000",
      "--size",
      "64",
      "--no-progress",
      "--pubsleep",
      "1ms",
    );
    const watching = stack.startNpmScript("status", "--watch");
    let output = "";
    watching.stdout?.on("data", (piece: Buffer) => (output += piece.toString()));
    const ended = new Promise((resolve) => watching.on("exit", resolve));
    try {
      await eventually("two reports", 60, () => output.split("  until Ctrl-C").length > 2);
      assert.match(output, /^ {2}LOAD +[1-9]\d*(\.\d)? +[1-9]\d* /m);
      assert.match(output, /^ {2}LOAD\/slow +0 +[1-9]\d* +0 +0$/m);
      assert.deepEqual(
        output.split("\n").filter((line) => line.length > 80),
        [],
      );
    } finally {
      load.kill("SIGKILL");
      process.kill(-(watching.pid ?? NaN), "SIGINT");
    }
    assert.equal(await ended, 130);
    assert.equal(stack.nats("stream", "rm", "LOAD", "--force").status, 0);
  });

  test("the doctor ends with 1 for what will be trouble and 2 for what is, and says what to do", async () => {
    const well = stack.npmScript("doctor", "--json");
    assert.equal(well.status, 1, well.output);
    const findings = JSON.parse(well.output) as { severity: string; check: string; advice?: string }[];
    const severity = (check: string) => findings.find((finding) => finding.check === check)?.severity;
    assert.deepEqual(
      ["Node.js", "settings", "nats-server", "nats-server memory", "nats-server files", "drift"].map(severity),
      Array(6).fill("ok"),
    );
    assert.equal(severity("nats-server 2.10.29"), "warning", "its support has ended");
    assert.ok(findings.every((finding) => (finding.severity === "ok") === (finding.advice === undefined)));

    const supervisorctl = (verb: string) => {
      const [version = ""] = readdirSync(join(stack.prefix, "opt/supervisor"));
      const program = join(stack.prefix, "opt/supervisor", version, "bin/supervisorctl");
      assert.equal(stack.run(program, "-c", join(stack.prefix, "etc/supervisor/supervisord.conf"), verb, "nats-server").status, 0);
    };
    supervisorctl("stop");
    const ill = stack.npmScript("doctor");
    supervisorctl("start");
    assert.equal(ill.status, 2, ill.output);
    assert.match(ill.output, /^error {4}local: nats-server: stopped, does not answer\n +npm run logs -- nats-server; then npm run up$/m);
    await eventually("the server is back", 30, async () => (await stack.monitor("healthz"))?.["status"] === "ok");
  });

  test("two ups at once: the second is refused by the state's lock, or with another state by the host's, and says who holds it", async () => {
    stack.configure({ maxConnections: 500 });
    const [first, second] = [stack.startNpmScript("up"), stack.startNpmScript("up")];
    const ended = await Promise.all([first, second].map((child) => new Promise<number | null>((resolve) => child.on("exit", resolve))));
    assert.ok(ended.includes(0), `exit codes ${ended.join(", ")}`);
    assert.equal((await stack.monitor("varz"))?.["max_connections"], 500);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);

    // As the program of another driver does, with a process that stands for its engine.
    const engine = spawn("sleep", ["600"]);
    const lock = join(stack.prefix, "run/up.lock");
    const holder = await lockWhile(
      { connection: "local", services: "auto" },
      { prefix: stack.prefix, stack: "messaging/test", pid: engine.pid ?? NaN },
    );
    assert.equal(holder, undefined);
    try {
      stack.configure({ maxConnections: 501 });
      const refused = stack.npmScript("up");
      assert.notEqual(refused.status, 0);
      assert.match(
        refused.output,
        /messaging:hosts\.local: another run is changing it, by \S+@\S+, for stack messaging\/test, since \d{4}-.* \(process \d+\); wait until/,
      );
      const destroy = stack.npmScript("destroy");
      assert.notEqual(destroy.status, 0);
      assert.match(destroy.output, /host local: another run is changing it, by /);
      assert.equal((await stack.monitor("varz"))?.["max_connections"], 500);
    } finally {
      engine.kill("SIGKILL");
    }
    await eventually("the lock goes with the process", 10, () => !existsSync(lock));
    // What a power failure leaves: a lock that nobody renews, of a process number that another process has now.
    writeFileSync(lock, `${process.pid}\nnobody@nowhere, for stack messaging/test, since yesterday (process 1)\n`);
    utimesSync(lock, new Date(0), new Date(0));
    up();
    assert.equal((await stack.monitor("varz"))?.["max_connections"], 501);
    await eventually("its own lock goes with an up", 10, () => !existsSync(lock));
  });

  /** A work queue and an event log, on a server of the given version. */
  const queueAndLog = (version: string) => ({
    version,
    streams: {
      tasks: { preset: "workQueue", subjects: ["tasks.>"], maxBytes: "100MB", consumers: { workers: {} } },
      events: { preset: "eventLog", subjects: ["events.>"], maxBytes: "100MB" },
    },
  });
  const stored = () => {
    const status = JSON.parse(stack.npmScript("status", "--json").output) as {
      product?: { streams: { name: string; messages: number }[] };
    }[];
    return (status[0]?.product?.streams ?? []).map(({ name, messages }) => `${name} ${messages}`).sort();
  };
  const all = ["ORDERS 3", "events 10000", "tasks 10000"];

  test("10,000 acknowledged messages in a work queue and in an event log survive kill -9, destroy and up", async () => {
    stack.configure(queueAndLog("2.10.29"));
    up();
    for (const stream of ["tasks", "events"]) {
      const load = ["--js", "--stream", stream, "--pub", "4", "--msgs", "10000", "--size", "64", "--no-progress"];
      const published = stack.nats("bench", `${stream}.load`, ...load);
      assert.equal(published.status, 0, published.output);
    }
    assert.deepEqual(stored(), all);

    const killed = stack.pid("nats-server");
    process.kill(killed, "SIGKILL");
    await eventually(
      "the server answers again",
      // Two seconds as a rule; tests side by side take their time.
      15,
      async () => stack.pid("nats-server") !== killed && (await stack.monitor("healthz"))?.["status"] === "ok",
    );
    assert.deepEqual(stored(), all);

    const destroyed = stack.npmScript("destroy");
    assert.equal(destroyed.status, 0, destroyed.output);
    assert.match(destroyed.output, /stream\/tasks kept with 10000 messages/);
    up();
    assert.deepEqual(stored(), all);
  });

  /** What a rehearsal of NATS says; where namespaces are not allowed it has to say that. */
  const rehearse = (...args: string[]) => stack.npmScript("upgrade", "--rehearse", "nats", ...args);
  const namespaces = namespacesAllowed();

  test("an upgrade is rehearsed on a copy of the messages; what runs is not touched", async () => {
    const before = stack.pid("nats-server");
    const { status, output } = rehearse("2.12.8");
    if (!namespaces) {
      assert.match(output, /a rehearsal takes (namespaces|Linux|unshare)/);
      return;
    }
    assert.equal(status, 0, output);
    assert.match(output, /rehearsed on host local: nats 2\.10\.29 -> 2\.12\.8, in \d+ s; nothing was switched/);
    assert.match(output, /nats-server 2\.12\.8: 60 messages read from where the reader was, of 100; streams: 3, all there/);
    assert.match(output, /data: \S+, copied in \S+ s; the running server stood still for 0\.\d+ s/);
    assert.equal(stack.pid("nats-server"), before);
    assert.equal((await stack.monitor("varz"))?.["version"], "2.10.29");
    assert.deepEqual(stored(), all);
    assert.equal(existsSync(join(stack.prefix, "rehearsal")), false);
    assert.equal(existsSync(join(stack.prefix, "opt/nats-server/2.12.8")), false);
  });

  test("a rehearsal is refused without room, and one that fails says why and leaves nothing", () => {
    const run = (overrides: Partial<RehearsalArgs>, tasks: readonly string[] = []) => {
      const args = {
        prefix: stack.prefix,
        stack: "messaging/test",
        products: ["nats-server"],
        installBytes: 0,
        memoryBytes: 0,
        ...overrides,
      };
      const program = rehearsalProgram({ scripts: "", tasks }, args);
      const { status, stderr } = spawnSync("sh", ["-s"], { input: program, encoding: "utf8", timeout: 60_000 });
      assert.notEqual(status, 0);
      assert.equal(existsSync(join(stack.prefix, "rehearsal")), false);
      return stderr;
    };
    if (!namespaces) return;
    assert.match(
      run({ installBytes: 1e15 }),
      /a copy of \d+ MB of data and the new version take 1000\d+ MB for a while, \S+ has \d+ MB free/,
    );
    assert.match(run({ memoryBytes: 1e15 }), /runs a second time, planned with 1000000000 MB of memory; the host has \d+ MB available/);
    assert.match(run({}, ["TASK=service\nRESOURCE=broken\n\n"]), /broken fails in the rehearsal:/);
    assert.deepEqual(stored(), all);
  });

  test("a rehearsal of a version that is not pinned is refused", () => {
    assert.match(rehearse("2.11.0").output, /nats 2\.11\.0 is not pinned; allowed: 2\.10\.29, 2\.12\.8/);
  });

  test("they survive a later version; the preview shows it on the artefact and the service", async () => {
    stack.configure(queueAndLog("2.12.8"));
    const { status, output } = stack.npmScript("preview", "--diff");
    assert.equal(status, 0, output);
    const rows = output.split(/^ *[~+-] command:/m).slice(1);
    const changed = rows.filter((row) => /^ *- *VERSION=2\.10\.29\n *\+ *VERSION=2\.12\.8$/m.test(row));
    assert.deepEqual(changed.map((row) => /::(local-[\w-]+)\]/.exec(row)?.[1]).sort(), [
      "local-nats-config",
      "local-nats-server",
      "local-nats-server-service",
    ]);
    assert.doesNotMatch(output, /replace|nats-stream|nats-consumer/);
    up();
    assert.equal((await stack.monitor("varz"))?.["version"], "2.12.8");
    assert.deepEqual(stored(), all);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    const taken = stack.nats("consumer", "next", "tasks", "workers", "--count", "1", "--ack");
    assert.equal(taken.status, 0, taken.output);
    assert.deepEqual(stored(), ["ORDERS 3", "events 10000", "tasks 9999"]);
  });

  test("going back to the earlier version is refused with the reason: in the preview, and after destroy by up", () => {
    assert.match(rehearse("2.10.29").output, /host local runs nats 2\.12\.8; 2\.10\.29 is earlier/);
    stack.configure(queueAndLog("2.10.29"));
    const reason = /nats-server 2\.10\.29 must not serve the streams in .*: 2\.12\.8 has written them/;
    for (const operation of ["preview", "up"]) {
      const { status, output } = stack.npmScript(operation);
      assert.notEqual(status, 0);
      assert.match(output, reason);
    }
    stack.configure(queueAndLog("2.12.8"));
    assert.equal(stack.npmScript("preview", "--expect-no-changes").status, 0);
    assert.equal(stack.npmScript("destroy").status, 0);
    stack.configure(queueAndLog("2.10.29"));
    const refused = stack.npmScript("up");
    assert.notEqual(refused.status, 0);
    assert.match(refused.output, reason);
    stack.configure(queueAndLog("2.12.8"));
    up();
    assert.deepEqual(stored(), ["ORDERS 3", "events 10000", "tasks 9999"]);
  });

  test("destroy stops everything, keeps the messages and says so; the next up serves them", async () => {
    const pids = [stack.pid("nats-server"), stack.pid("supervisord")];
    const destroyed = stack.npmScript("destroy");
    assert.equal(destroyed.status, 0, destroyed.output);
    assert.match(destroyed.output, /kept with \d+ kB of data/);
    for (const pid of pids) assert.equal(isAlive(pid), false);
    for (const gone of ["opt", "etc", "run"]) assert.equal(existsSync(join(stack.prefix, gone)), false, gone);
    assert.equal(existsSync(join(stack.prefix, "var/lib/nats/jetstream")), true);
    const kept = join(stack.prefix, "var/lib/messaging/kept");
    assert.match(destroyed.output, new RegExp(`what was kept stands in ${kept}`));
    const manifest = readdirSync(kept).flatMap((file) => readFileSync(join(kept, file), "utf8").trim().split("\n"));
    assert.deepEqual(
      manifest.map((line) => line.replace(/^\S+\t/, "").replace(/\d+ kB/, "n kB")).sort(),
      [
        `${join(stack.prefix, "var/lib/nats")}\twith n kB of data; the next up serves it again`,
        "consumer/tasks/workers\tbecause it has messages to deliver",
        "stream/events\twith 10000 messages",
        "stream/tasks\twith 9999 messages",
      ].sort(),
    );
    up();
    assert.equal(existsSync(kept), false);
    assert.match(stack.nats("stream", "get", "ORDERS", "1").output, /first/);
  });

  test("destroy --purge-data is refused while others' objects are there, and then leaves nothing", () => {
    const refused = stack.npmScript("destroy", "--purge-data");
    assert.notEqual(refused.status, 0);
    assert.match(
      refused.output,
      /--purge-data is refused, nothing was changed:\n {2}host local: stream\/ORDERS with 3 messages .* is not managed by this stack/,
    );
    assert.equal(stack.npmScript("preview", "--expect-no-changes").status, 0);
    assert.equal(stack.nats("stream", "rm", "ORDERS", "--force").status, 0);
    const directory = join(stack.directory, "backup");
    const saved = stack.npmScript("backup", directory);
    assert.equal(saved.status, 0, saved.output);
    assert.equal(statSync(join(directory, "local.tar")).mode & 0o777, 0o600);
    assert.match(stack.npmScript("backup", directory).output, /local\.tar: there is a backup already/);
    const purged = stack.npmScript("destroy", "--purge-data");
    assert.equal(purged.status, 0, purged.output);
    assert.match(purged.output, new RegExp(`host local: with all data in\n {2}${join(stack.prefix, "var/lib/nats")} with \\d+ kB`));
    assert.match(purged.output, /stream\/events deleted/);
    assert.equal(existsSync(stack.prefix), false);
    assert.match(stack.npmScript("destroy", "--purge-data").output, /--purge-data: nothing is deployed/);
  });

  test("a backup comes back on an empty host, with its messages and what a consumer has left to deliver; not over messages", () => {
    const directory = join(stack.directory, "backup");
    up();
    assert.deepEqual(stored(), ["events 0", "tasks 0"]);
    const restored = stack.npmScript("restore", directory);
    assert.equal(restored.status, 0, restored.output);
    assert.deepEqual(stored(), ["events 10000", "tasks 9999"]);
    assert.match(stack.nats("consumer", "info", "tasks", "workers", "--json").output, /"num_pending": 9999/);
    const preview = stack.npmScript("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    const refused = stack.npmScript("restore", directory);
    assert.notEqual(refused.status, 0);
    assert.match(refused.output, /nothing was restored: streams that hold messages are not replaced\nstream\/events holds 10000 messages/);
    assert.equal(stack.npmScript("destroy", "--purge-data").status, 0);
  });
});

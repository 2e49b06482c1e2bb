import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { artifactPin, pinnedVersions } from "../../config/pins";
import { artifactDir } from "../../setup/paths";
import { record, seeAndRepair } from "../support/drift";
import { PulsarRest } from "../support/pulsar-rest";
import type { TopicStatus } from "../../operations/status-report";
import { namespacesAllowed } from "../support/processes";
import { TestStack } from "../support/test-stack";
import { eventually, freePorts } from "../support/temporary";

/** Small, so that a Pulsar and what tests it fit a laptop. */
const MEMORY = { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" };

/** A namespace whose messages stay after they are acknowledged, with topics. */
const namespaces = (parts: number, time = "1d") => ({
  "arc/agents": { retention: { time, size: "1GB" }, topics: { events: { partitions: 0 }, parts: { partitions: parts } } },
});

const EVENTS = "persistent/arc/agents/events";

describe("Pulsar standalone on a real engine", { timeout: 1_800_000 }, () => {
  let stack: TestStack;
  let pulsar: PulsarRest;
  let settings: Record<string, unknown>;
  let mirror: ChildProcess | undefined;

  before(async () => {
    stack = await TestStack.forPulumi();
    const [broker = 0, web = 0, bookie = 0] = await freePorts(3);
    pulsar = new PulsarRest(web);
    settings = { memory: MEMORY, ports: { broker, web, bookie } };
    configure();
  });
  after(async () => {
    stack.dispose();
    if (mirror?.kill() === true) await once(mirror, "exit");
  });

  let parts = 2;
  const configure = (overrides: Record<string, unknown> = {}, rest: Record<string, unknown> = {}) =>
    stack.configureWithoutNats({ pulsar: { ...settings, ...overrides }, namespaces: namespaces(parts), ...rest });
  const up = () => {
    const { status, output } = stack.operate("up");
    assert.equal(status, 0, output);
    assert.deepEqual(stack.changes(), [], "the preview after an up is empty");
    return output;
  };
  /** How often the server synced its journal to disk while something was done, as Java's flight recorder saw it. */
  const journalSyncs = async (work: () => Promise<void>) => {
    const java = (program: string, ...args: string[]) => {
      const { status, output } = stack.run(join(stack.prefix, "opt/jre", pinnedVersions("jre")[0], "bin", program), ...args);
      assert.equal(status, 0, output);
      return output;
    };
    const recording = join(stack.directory, "syncs.jfr");
    const recorder = (...args: string[]) => java("jcmd", String(stack.pid("pulsar")), ...args);
    recorder("JFR.start", "name=syncs", "settings=none", "+jdk.FileForce#enabled=true", "+jdk.FileForce#threshold=0ns");
    await work();
    recorder("JFR.stop", "name=syncs", `filename=${recording}`);
    return java("jfr", "print", "--events", "jdk.FileForce", recording).match(/path = ".*\/bookkeeper\/.*\.txn"/g)?.length ?? 0;
  };
  const publishOneByOne = async () => {
    for (let index = 0; index < 10; index++) await pulsar.publish("persistent/public/default/synced", 1);
  };
  test("an up installs, starts and proves it; nothing listens beyond loopback", () => {
    const output = up();
    for (const proof of [
      /health: the broker publishes and reads/,
      /log: no error while it started/,
      /binary protocol: /,
      /replay: from the earliest/,
      /pulsar-admin: tenants/,
    ]) {
      assert.match(output, proof);
    }
    assert.deepEqual(stack.listenersBeyondLoopback("pulsar"), []);
    assert.match(stack.run(join(stack.prefix, "bin/pulsar-admin"), "namespaces", "list", "arc").output, /^arc\/agents$/m);
  });

  test("the journal is synced to disk for each acknowledged message", async () => {
    await pulsar.admin("PUT", "persistent/public/default/synced");
    const syncs = await journalSyncs(publishOneByOne);
    assert.ok(syncs >= 10, `${syncs} syncs`);
  });

  test("status lists the topics of the stack with what waits in each subscription, none of Pulsar's own", async () => {
    const synced = "persistent/public/default/synced";
    await pulsar.admin("PUT", `${synced}/subscription/audit`, "latest");
    await pulsar.publish(synced, 3);
    // The first policy of a topic makes a system topic.
    await pulsar.admin("POST", "persistent/public/default/synced/retention", { retentionTimeInMinutes: 1, retentionSizeInMB: 1 });
    const all = (await pulsar.admin("GET", "persistent/public/default?includeSystemTopic=true")) as unknown as string[];
    assert.ok(all.some((topic) => topic.startsWith("persistent://public/default/__change_events")));
    let topics: readonly TopicStatus[] = [];
    await eventually("the metrics tell of the messages", 15, () => {
      const [sample] = stack.samples();
      assert.deepEqual([sample?.service, sample?.state], ["pulsar", "running"]);
      assert.ok((sample?.memoryBytes ?? 0) > 100e6, `${sample?.memoryBytes} bytes of memory`);
      topics = sample?.product?.topics ?? [];
      return topics.some(({ name, backlog }) => name === "persistent://public/default/synced" && backlog === 3);
    });
    const found = topics.find(({ name }) => name === "persistent://public/default/synced");
    // What comes in over REST is stored, but Pulsar counts it nowhere.
    assert.ok((found?.bytes ?? 0) > 0, JSON.stringify(found));
    assert.deepEqual(found?.subscriptions, [{ name: "audit", sent: 0, backlog: 3, unacknowledged: 0, blocked: false }]);
    assert.ok(topics.some(({ name }) => name === "persistent://arc/agents/events"));
    assert.deepEqual(
      topics.filter(({ name }) => /__|:\/\/pulsar\//.test(name)),
      [],
    );
    await pulsar.admin("DELETE", `${synced}/subscription/audit?force=true`);
  });

  test("the example rebuilds a state by replaying its topic", () => {
    const { status, output } = stack.run("sh", "examples/event-sourcing.sh", stack.prefix, "persistent://arc/agents/ledger");
    assert.equal(status, 0, output);
    const [, live, rebuilt] = /^live {4}(\w+)\nrebuilt (\w+)$/m.exec(output) ?? [];
    assert.ok(live !== undefined && live === rebuilt, output);
  });

  test("messages, cursors and policies survive kill -9 twice", async () => {
    await pulsar.admin("PUT", `${EVENTS}/subscription/workers`, { ledgerId: -1, entryId: -1 });
    await pulsar.publish(EVENTS, 500);
    assert.equal(await pulsar.backlog(EVENTS, "workers"), 500);
    for (const killed of [1, 2]) {
      const pid = stack.pid("pulsar");
      process.kill(pid, "SIGKILL");
      await eventually(`started again after kill ${killed}`, 120, async () => stack.pid("pulsar") !== pid && (await pulsar.healthy()));
      assert.equal(await pulsar.backlog(EVENTS, "workers"), 500);
      const policies = await pulsar.admin("GET", "namespaces/arc/agents/retention");
      assert.equal(policies?.["retentionTimeInMinutes"], 1440);
    }
    assert.deepEqual(stack.changes(), [], "supervisord has put it back");
    const log = readFileSync(join(stack.prefix, "var/log/pulsar.log"), "utf8");
    assert.equal(log.match(/Pulsar was not stopped but killed/g)?.length, 2);
    assert.doesNotMatch(log, /Deleting path: \/ledgers\/available/, "no bookie has found an entry of its own and removed it");
  });

  test("an edited policy shows on the row of its namespace and as one changed line of the task that applies it", () => {
    configure({}, { namespaces: namespaces(parts, "2d") });
    const names = stack.changes().map(({ op, urn }) => `${op} ${urn.split("::").at(-1) ?? ""}`);
    assert.deepEqual(names.sort(), ["update local-namespace-arc.agents", "update local-pulsar-namespaces"]);
    const { output } = stack.operate("preview", "--diff");
    assert.match(output, /~ retentionTimeInMinutes: 1440 => 2880/);
    assert.match(output, /- namespace\/arc\/agents retention .*1440.*\n *\+ namespace\/arc\/agents retention .*2880/);
    configure();
  });

  test("drift: a policy that another hand has set is seen, repaired, and gone", () =>
    seeAndRepair(stack, {
      name: "namespace policy changed by pulsar-admin",
      where: "local, supervisord",
      edit: () => {
        const { status, output } = stack.run(
          join(stack.prefix, "bin/pulsar-admin"),
          ...["namespaces", "set-retention", "arc/agents", "--time", "60m", "--size", "100M"],
        );
        assert.equal(status, 0, output);
      },
      shown: /# expected: namespace\/arc\/agents retention .*1440[^]*# found: {4}namespace\/arc\/agents retention .*60/,
      tasks: ["local-pulsar-namespaces"],
    }));

  test("drift: a partition that another hand has added is seen and refused, because Pulsar takes none away; declaring it ends that", async () => {
    await pulsar.admin("POST", "persistent/arc/agents/parts/partitions", 3);
    const preview = stack.operate("preview");
    assert.notEqual(preview.status, 0);
    const words = /topic\/arc\/agents\/parts has 3 partitions, 2 are asked for; Pulsar can add partitions, not take them away: declare 3/;
    assert.match(preview.output, words);
    parts = 3;
    configure();
    up();
    record({
      name: "partition added to a topic",
      where: "local, supervisord",
      outcome: "seen, refused: cannot be undone; declared, then empty",
      shown: [words.exec(preview.output)?.[0] ?? ""],
    });
  });

  test("what is not ours is named in the preview and left alone", async () => {
    await pulsar.admin("PUT", "namespaces/public/foreign", {});
    await pulsar.admin("PUT", "persistent/arc/agents/beside");
    const { status, output } = stack.operate("preview", "--expect-no-changes");
    assert.equal(status, 0, output);
    assert.match(
      output,
      /not manage; it is left alone:[^]*namespace\/arc\/agents: \d+ topics beside the declared ones[^]*namespace\/public\/default with \d+ topics/,
    );
    await pulsar.admin("PUT", "persistent/public/foreign/topic");
    assert.match(stack.operate("preview").output, /namespace\/public\/foreign with 1 topics/);
    assert.deepEqual(await pulsar.admin("GET", "persistent/public/foreign"), ["persistent://public/foreign/topic"]);
  });

  test("a hand-edited config is seen, repaired, and gone", async () => {
    const conf = join(stack.prefix, "etc/pulsar/standalone.conf");
    writeFileSync(conf, readFileSync(conf, "utf8").replace("journalSyncData=true", "journalSyncData=false"));
    const preview = stack.operate("preview", "--diff");
    assert.match(preview.output, /# expected: .*journalSyncData=true\n.*# found: .*journalSyncData=false/);
    up();
    assert.match(readFileSync(conf, "utf8"), /^journalSyncData=true$/m);
  });

  test("a changed heap restarts the server with it; options that Java refuses, and a Java that does not start, leave it running", async () => {
    configure({ memory: { ...MEMORY, maxHeap: "448MiB" }, durability: "pageCache" });
    const preview = stack.operate("preview", "--diff");
    assert.match(preview.output, /- PULSAR_MEM=.*-Xmx384m/);
    assert.match(preview.output, /\+ PULSAR_MEM=.*-Xmx448m/);
    up();
    assert.match(readFileSync(`/proc/${stack.pid("pulsar")}/cmdline`, "utf8"), /\0-Xmx448m\0/);
    const syncs = await journalSyncs(publishOneByOne);
    assert.ok(syncs < 10, `without durability: fsync not every message is synced: ${syncs} syncs`);

    configure({ javaHome: join(stack.directory, "nowhere") });
    const refused = stack.operate("up");
    assert.notEqual(refused.status, 0);
    assert.match(refused.output, /pulsar_env\.sh: refused by pulsar; the running service is untouched/);
    assert.ok(await pulsar.ready());

    const fake = join(stack.directory, "java-that-lies");
    mkdirSync(join(fake, "bin"), { recursive: true });
    writeFileSync(join(fake, "bin/java"), '#!/bin/sh\ncase "$*" in *-version*) echo \'openjdk version "25"\' >&2 ;; *) exit 1 ;; esac\n', {
      mode: 0o755,
    });
    configure({ javaHome: fake });
    const failed = stack.operate("up");
    assert.notEqual(failed.status, 0);
    assert.match(failed.output, /Switched back: pulsar runs as it did before/);
    assert.ok(await pulsar.ready());
    configure();
    up();
    assert.equal(await pulsar.backlog(EVENTS, "workers"), 500);
  });

  test("closed ledgers are offloaded to the file system and read back from there", async () => {
    const ledger = { maxEntries: 100, minRolloverAge: "0s" };
    configure({ ledger, tieredStorage: { thresholdSize: "0B", deletionLag: "0s" } });
    up();
    await pulsar.publish(EVENTS, 400, 500);
    interface Ledger {
      readonly ledgerId: number;
      readonly offloaded: boolean;
      readonly entries: number;
    }
    const ledgers = async () => (await pulsar.admin("GET", `${EVENTS}/internalStats`))?.["ledgers"] as Ledger[];
    await pulsar.admin("PUT", `${EVENTS}/unload`);
    await eventually("ledgers are offloaded", 90, async () => {
      // A publish over REST that meets the unloading is never answered.
      await pulsar.publish(EVENTS, 101, 900).catch(() => undefined);
      return (await ledgers()).filter(({ offloaded }) => offloaded).length >= 2;
    });
    const offloaded = readdirSync(join(stack.prefix, "var/lib/pulsar-offload"), { recursive: true });
    assert.ok(
      offloaded.some((file) => String(file).includes("data")),
      offloaded.join(" "),
    );
    await pulsar.admin("PUT", `${EVENTS}/subscription/replay`, { ledgerId: -1, entryId: -1 });
    const { output } = stack.run(
      join(stack.prefix, "bin/pulsar-client"),
      ...["consume", "persistent://arc/agents/events", "-s", "replay", "-p", "Earliest", "-n", "900"],
    );
    for (const sent of [0, 499, 899]) assert.match(output, new RegExp(`content:message ${sent}$`, "m"), `message ${sent}`);
  });

  test("an upgrade is rehearsed: published on the running version, consumed on the next one, on a copy; what runs is not touched", async () => {
    const before = stack.pid("pulsar");
    const { status, output } = stack.npmScript("upgrade", "--rehearse", "pulsar", "4.0.8");
    if (!namespacesAllowed()) {
      assert.match(output, /a rehearsal takes (namespaces|Linux|unshare)/);
      return;
    }
    assert.equal(status, 0, output);
    assert.match(output, /rehearsed on host local: pulsar 3\.3\.6 -> 4\.0\.8, in \d+ s; nothing was switched/);
    assert.match(output, /pulsar 4\.0\.8: 60 messages read from where the reader was, of 100; topics: [1-9]\d*, all there/);
    assert.equal(stack.pid("pulsar"), before);
    assert.doesNotMatch(JSON.stringify(await pulsar.admin("GET", "persistent/public/default")), /rehearsal/);
    for (const gone of ["rehearsal", "opt/pulsar/4.0.8"]) assert.equal(existsSync(join(stack.prefix, gone)), false, gone);
  });

  test("an upgrade to a release from a source of the user's choice keeps what was published; going back is refused in the preview", async () => {
    const [archive] = artifactPin("pulsar", "4.0.8", "any").sources;
    assert.ok(archive);
    const [port = 0] = await freePorts(1);
    const served = join(stack.directory, "served");
    mkdirSync(served);
    const name = "apache-pulsar-4.0.8-bin.tar.gz";
    symlinkSync(join(artifactDir("pulsar", "4.0.8", "any"), archive.file), join(served, name));
    mirror = spawn("python3", ["-m", "http.server", "--bind", "127.0.0.1", "--directory", served, String(port)], { stdio: "ignore" });
    const source = { url: `http://127.0.0.1:${port}/${name}`, sha512: archive.digest.replace("sha512:", "") };
    const upgraded = { version: "4.0.8", source };
    configure({ ...upgraded, source: { url: source.url } });
    const incomplete = stack.operate("preview");
    assert.notEqual(incomplete.status, 0);
    assert.match(incomplete.output, /messaging:pulsar\.source\.sha512: .*128 hexadecimal digits/);
    configure(upgraded);
    assert.match(up(), new RegExp(`pulsar 4\\.0\\.8 installed from ${name}`));
    assert.equal((await pulsar.admin("GET", `${EVENTS}/stats?getPreciseBacklog=true`)) === undefined, false);
    assert.ok(((await pulsar.backlog(EVENTS, "workers")) ?? 0) >= 500);
    configure();
    const { status, output } = stack.operate("preview");
    assert.notEqual(status, 0);
    assert.match(output, /Pulsar 3\.3\.6 must not serve .*: 4\.0\.8 has written it/);
    configure(upgraded);
  });

  test("destroy keeps the data, and the next up serves it; a backup of it comes back on an empty host", async () => {
    assert.equal(stack.operate("destroy").status, 0);
    for (const gone of ["opt/pulsar", "var/log/pulsar", "var/log/pulsar.log"])
      assert.equal(existsSync(join(stack.prefix, gone)), false, gone);
    up();
    const waiting = (await pulsar.backlog(EVENTS, "workers")) ?? 0;
    assert.ok(waiting >= 500);
    const backup = (verb: "backup" | "restore") =>
      stack.run(process.execPath, "--import", "tsx", "operations/backup.ts", verb, join(stack.directory, "backup"));
    const saved = backup("backup");
    assert.equal(saved.status, 0, saved.output);
    assert.equal(await pulsar.backlog(EVENTS, "workers"), waiting, "it runs again");
    assert.match(backup("restore").output, /nothing was restored: Pulsar stores \d+ bytes of messages/);
    assert.equal(stack.operate("destroy").status, 0);
    rmSync(join(stack.prefix, "var"), { recursive: true });
    up();
    assert.equal((await pulsar.admin("GET", `${EVENTS}/stats`))?.["storageSize"], 0);
    const restored = backup("restore");
    assert.equal(restored.status, 0, restored.output);
    assert.equal(await pulsar.backlog(EVENTS, "workers"), waiting);
    assert.equal((await pulsar.admin("GET", "namespaces/arc/agents/retention"))?.["retentionTimeInMinutes"], 1440);
    assert.deepEqual(stack.changes(), [], "the preview after a restore is empty");
    assert.equal(stack.operate("destroy").status, 0);
    rmSync(join(stack.prefix, "var"), { recursive: true, force: true });
  });
});

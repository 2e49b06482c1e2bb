import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseConfig } from "../../config/load";
import { pinnedVersions } from "../../config/pins";
import { streamsTask } from "../../tasks/jetstream";
import { natsGuard } from "../../tasks/nats-guard";
import { HostShell, type Outcome, USERLANDS } from "../support/host-shell";
import { eventually, freePorts } from "../support/temporary";

type Stream = Record<string, unknown>;
type Verb = "apply" | "differences" | "refusals" | "refusals_of_removal" | "remove";

const userlands = USERLANDS.filter(({ name }) => /^(bash|ash) /.test(name));
for (const [userland, version] of userlands.flatMap((one) => pinnedVersions("nats-server").map((server) => [one, server] as const))) {
  describe(`JetStream objects, nats-server ${version}, ${userland.name}`, { timeout: 120_000 }, () => {
    let host: HostShell;
    let server: ChildProcess;
    let url: string;
    let monitoringUrl: string;
    const nats = (...args: string[]) =>
      spawnSync(join(host.prefix, "opt/nats/current/nats"), ["--no-context", "--server", url, ...args], { encoding: "utf8" });

    before(async () => {
      host = new HostShell(userland);
      host.installArtifact("nats-server", true, version);
      for (const name of ["gojq", "nats"] as const) host.installArtifact(name, true);
      const [port = 0, monitoring = 0] = await freePorts(2);
      url = `nats://127.0.0.1:${port}`;
      monitoringUrl = `http://127.0.0.1:${monitoring}`;
      const args = ["-js", "-sd", join(host.directory, "store"), "-a", "127.0.0.1", "-p", String(port), "-m", String(monitoring)];
      server = spawn(join(host.prefix, "opt/nats-server/current/nats-server"), args, { stdio: "ignore" });
      await eventually("the server answers", 10, () => nats("rtt").status === 0);
    });
    after(async () => {
      server.kill("SIGKILL");
      await once(server, "exit");
      host.dispose();
    });

    /** Runs a verb on streams as a config would declare them, by default with the preset `eventLog` and subjects below their names. */
    const streams = (verb: Verb, declared: Record<string, Stream>, resource = "streams", change = (body: string) => body): Outcome => {
      const named = Object.entries(declared).map(([name, config]) => [name, { preset: "eventLog", subjects: [`${name}.>`], ...config }]);
      const parsed = parseConfig({ nats: { jetstream: { maxFileStore: "100TB" }, streams: Object.fromEntries(named) as object } });
      const task = streamsTask({ url, monitoringUrl, streams: parsed.nats?.streams ?? {} });
      assert.ok(task?.body);
      return host.task(verb, task.script, { RESOURCE: `test-${resource}`, ...(task.inputs as Record<string, string>) }, change(task.body));
    };
    /** The same of one stream, in a task of its own. */
    const stream = (verb: Verb, config: Stream, name = "orders"): Outcome => streams(verb, { [name]: config }, name);
    /** The same of the consumer `worker` of the stream `orders`, without a word on the stream. */
    const consumer = (verb: Verb, config: Stream): Outcome =>
      streams(verb, { orders: { consumers: { worker: config } } }, "worker", (body) => body.replace(/^stream.*\n/gm, ""));
    /** What a preview says of a config as a whole. */
    const guard = (nats: Stream): string => {
      const { nats: parsed } = parseConfig({ nats });
      assert.ok(parsed);
      const { script, inputs, body } = natsGuard(url, parsed, join(host.directory, "store"));
      return host.task("refusals", script, Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, String(value)])), body)
        .stdout;
    };
    const consent = (...objects: string[]) => {
      const outcome = host.task("apply", "allow-data-loss", {}, objects.map((object) => `${object}\n`).join(""));
      assert.equal(outcome.status, 0, outcome.stderr);
    };
    const succeed = (outcome: Outcome, pattern: RegExp) => {
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.match(outcome.stdout, pattern);
    };
    const live = (key: string, name = "orders"): unknown => {
      const answer = JSON.parse(nats("stream", "info", name, "--json").stdout) as { config: Stream; state: Stream };
      return answer.config[key] ?? answer.state[key];
    };

    test("created, unchanged, changed by hand is seen and repaired", () => {
      succeed(stream("apply", {}), /stream\/orders created/);
      succeed(stream("apply", {}), /^unchanged$/m);
      assert.equal(nats("stream", "edit", "orders", "--max-msgs", "77", "--force").status, 0);
      assert.equal(stream("differences", {}).stdout, "expected: stream/orders max_msgs 10000000\nfound:    stream/orders max_msgs 77\n");
      succeed(stream("apply", {}), /updated/);
      assert.equal(live("max_msgs"), 10_000_000);
    });

    test("an empty stream may change everything, in place or made anew", () => {
      succeed(stream("apply", { storage: "memory", maxBytes: "1MB" }), /made anew/);
      succeed(stream("apply", { retention: "workqueue" }), /made anew/);
      succeed(stream("apply", { subjects: ["orders.>", "invoices.>"], maxAge: "1h", discard: "new" }), /made anew|updated/);
      succeed(stream("apply", {}), /updated|made anew/);
    });

    test("with messages: what would delete some is refused with the count, in preview and in apply, and nothing changes", () => {
      for (let count = 0; count < 5; count++) assert.equal(nats("request", "orders.a", `message ${count}`).status, 0);
      const losing: [Stream, RegExp][] = [
        [{ storage: "memory", maxBytes: "1MB" }, /storage file -> memory/],
        [{ retention: "workqueue" }, /retention limits -> workqueue/],
        [{ retention: "interest" }, /retention limits -> interest/],
        [{ maxMessages: 3 }, /max_msgs 3/],
        [{ maxMessagesPerSubject: 2 }, /max_msgs_per_subject 2/],
      ];
      for (const [config, reason] of losing) {
        for (const verb of ["refusals", "apply"] as const) {
          const { stdout, stderr } = stream(verb, config);
          assert.match(stdout + stderr, reason);
          assert.match(stdout + stderr, /holds 5 messages \(\d+ bytes\).*add "stream\/orders" to messaging:allowDataLoss/);
        }
        assert.equal(stream("apply", config).status, 1);
        assert.equal(live("messages"), 5);
        assert.equal(live("storage"), "file");
      }
    });

    test("with messages: what loses none is applied in place", () => {
      for (const config of [
        { maxMessages: 5 },
        { maxAge: "1h" },
        { subjects: ["orders.>", "invoices.>"] },
        { discard: "new" },
        { maxBytes: "3GB" },
        {},
      ]) {
        succeed(stream("apply", config), /updated/);
      }
      assert.equal(live("messages"), 5);
    });

    test("consumers: created, filters replaced as a set, backoff, restart of the deliveries refused once messages were delivered", () => {
      const config = { filterSubjects: ["orders.a", "orders.b"], maxDeliver: 5, backoff: ["1s", "5s"] };
      succeed(consumer("apply", config), /applied/);
      succeed(consumer("apply", config), /^unchanged$/m);
      succeed(consumer("apply", { ...config, filterSubjects: ["orders.c", "orders.a"] }), /applied/);
      succeed(consumer("apply", { ackWait: "10s", maxAckPending: 7 }), /applied/);
      succeed(consumer("apply", { deliverPolicy: "new" }), /applied/);
      succeed(consumer("apply", {}), /applied/);
      assert.equal(nats("consumer", "next", "orders", "worker", "--count", "2", "--ack").status, 0);
      const refused = consumer("apply", { deliverPolicy: "new" });
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /has delivered 2 messages.*add "consumer\/orders\/worker" to messaging:allowDataLoss/);
      succeed(consumer("apply", { maxAckPending: 9 }), /applied/);
      consent("consumer/orders/worker");
      succeed(consumer("apply", { deliverPolicy: "new" }), /applied/);
      consent();
    });

    test("a deleted consumer and a deleted stream are seen and made again", () => {
      assert.equal(nats("consumer", "rm", "orders", "worker", "--force").status, 0);
      assert.match(consumer("differences", {}).stdout, /found: {4}consumer\/orders\/worker absent/);
      succeed(consumer("apply", {}), /applied/);
    });

    test("a subject of another stream is refused with the way in two steps", () => {
      const { stdout } = stream("refusals", { subjects: ["other.>", "orders.x"] }, "other");
      assert.match(
        stdout,
        /stream\/other: subject orders\.x belongs to stream orders; release it there in one up, take it here in the next/,
      );
      assert.equal(stream("apply", { subjects: ["orders.x"] }, "other").status, 1);
    });

    test("more than the account may reserve is JetStream's word", () => {
      const outcome = stream("apply", { maxBytes: "90TB" }, "huge");
      assert.equal(outcome.status, 1);
      assert.match(outcome.stderr, /stream\/huge: JetStream refuses: insufficient storage resources available \(error 10047\)/);
    });

    test("what another hand has made: in place where this version can, refused where it would cost messages", () => {
      assert.equal(nats("stream", "add", "hand", "--subjects", "hand.>", "--max-consumers", "5", "--defaults").status, 0);
      assert.equal(nats("request", "hand.a", "message").status, 0);
      const outcome = stream("apply", {}, "hand");
      if (version === "2.10.29") assert.match(outcome.stderr, /stream\/hand holds 1 messages .*; max_consumers 5 -> -1 deletes messages/);
      else succeed(outcome, /stream\/hand updated/);
      assert.equal(live("max_consumers", "hand"), version === "2.10.29" ? 5 : -1);
      assert.equal(nats("stream", "edit", "hand", "--deny-delete", "--force").status, 0);
      assert.match(stream("refusals", { maxAge: "1h" }, "hand").stdout, /deny_delete true -> false/);
      assert.equal(nats("stream", "purge", "hand", "--force").status, 0);
      succeed(stream("apply", { maxAge: "1h" }, "hand"), /made anew/);
      assert.equal(live("deny_delete", "hand"), false);
      succeed(stream("remove", {}, "hand"), /deleted/);

      const byHand = { durable_name: "worker", ack_policy: "explicit", deliver_policy: "all", max_waiting: 7, mem_storage: true };
      nats("consumer", "rm", "orders", "worker", "--force");
      const created = nats(
        "request",
        "--raw",
        "$JS.API.CONSUMER.DURABLE.CREATE.orders.worker",
        JSON.stringify({ stream_name: "orders", config: byHand }),
      );
      assert.doesNotMatch(created.stdout, /"error"/);
      assert.equal(nats("consumer", "next", "orders", "worker", "--ack").status, 0);
      const refused = consumer("apply", { maxAckPending: 9 });
      assert.match(refused.stderr, /has delivered 1 messages; max_waiting 7 -> 512, mem_storage true -> false cannot be changed in place/);
      nats("consumer", "rm", "orders", "worker", "--force");
      succeed(consumer("apply", {}), /applied/);
    });

    test("limits that hang together are lowered in one update", () => {
      succeed(stream("apply", { maxAge: "1h", duplicateWindow: "1h" }, "window"), /created/);
      succeed(stream("apply", { maxAge: "1m" }, "window"), /updated/);
      assert.deepEqual([live("max_age", "window"), live("duplicate_window", "window")], [60e9, 60e9]);
      succeed(stream("remove", {}, "window"), /deleted/);
    });

    test("room for all reservations: what is not declared, and what is only lowered by the up, counts", () => {
      const declared = (bytes: Record<string, string>) =>
        Object.fromEntries(
          Object.entries(bytes).map(([name, maxBytes]) => [name, { preset: "eventLog", subjects: [`${name}.>`], maxBytes }]),
        );
      const limits = { jetstream: { maxFileStore: "5GB" } };
      succeed(stream("apply", { maxBytes: "1GB" }), /updated|unchanged/);
      assert.equal(nats("stream", "add", "foreign", "--subjects", "foreign", "--max-bytes", "2000000000", "--defaults").status, 0);
      assert.equal(guard({ ...limits, streams: declared({ orders: "1GB" }) }), "");
      assert.equal(guard({ ...limits, streams: declared({ orders: "1GB", more: "1GB" }) }), "");
      assert.match(
        guard({ ...limits, streams: declared({ orders: "1GB", one: "1GB", two: "2GB" }) }),
        /^messaging:nats\.streams: file streams would reserve 6000065536 bytes while this is applied, jetstream\.maxFileStore is 5000000000: declared 4000000000; foreign, not declared, 2000000000\. Make room/,
      );
      // Both streams lowered: fine below the old limit, too early for a limit that holds only what they will be.
      succeed(stream("apply", { maxBytes: "1GB" }, "other"), /created/);
      const lowered = declared({ orders: "500MB", other: "500MB" });
      assert.equal(guard({ ...limits, streams: lowered }), "");
      assert.match(
        guard({ jetstream: { maxFileStore: "3500MB" }, streams: lowered }),
        /declared 1000000000; foreign, not declared, 2000000000; orders, before it is lowered, 1000000000; other, before it is lowered, 1000000000/,
      );
      // What one stream gives up is not there yet when another grows, nor is what is removed when its successor is made.
      assert.equal(guard({ ...limits, streams: declared({ orders: "500MB", other: "1900MB" }) }), "");
      assert.match(
        guard({ ...limits, streams: declared({ orders: "500MB", other: "2GB" }) }),
        /orders, before it is lowered, 1000000000\./,
      );
      assert.match(guard({ ...limits, streams: declared({ renamed: "1500MB", other: "1GB" }) }), /orders, not declared, 1000000000/);
      assert.equal(nats("stream", "rm", "foreign", "--force").status, 0);
      succeed(stream("remove", {}, "other"), /deleted/);
    });

    test("a renamed stream whose old name still has the subject is refused with the way in two steps", () => {
      for (const subject of ["orders.>", "orders.a", "*.a"]) {
        assert.match(
          stream("refusals", { subjects: [subject] }, "renamed").stdout,
          /stream\/renamed: subject .* belongs to stream orders; release it there in one up/,
        );
      }
    });

    test("an earlier minor release must not serve the streams of a later one", () => {
      const marker = join(host.directory, "store/nats-server-version");
      const said = (last: string) => {
        writeFileSync(marker, `${last}\n`);
        return guard({ version });
      };
      for (const last of ["2.9.25", version, version.replace(/\d+$/, "99")]) assert.equal(said(last), "", last);
      for (const last of ["2.14.0", "3.0.0"]) {
        assert.match(
          said(last),
          new RegExp(`nats-server ${version} must not serve the streams in .*/store: ${last} has written them.*nats stream backup`),
        );
      }
    });

    test("what one stream fails at keeps no other from becoming as it is declared, and no consumer of another", () => {
      const worker = { consumers: { worker: {} } };
      const outcome = streams("apply", {
        good: worker,
        huge: { maxBytes: "90TB", ...worker },
        taken: { subjects: ["orders.x"], ...worker },
      });
      assert.equal(outcome.status, 1);
      succeed({ ...outcome, status: 0 }, /^stream\/good created\nconsumer\/good\/worker applied\n$/);
      assert.match(outcome.stderr, /everything else is:\nstream\/huge: JetStream refuses: .*\nstream\/taken: subject orders\.x belongs/);
      for (const said of ["", "unchanged\n"]) assert.equal(streams("apply", { good: worker }).stdout, said);
      assert.equal(nats("stream", "info", "huge").status, 1);
    });

    test("a stream that is made anew gets its consumers again", () => {
      succeed(
        streams("apply", { good: { storage: "memory", maxBytes: "1MB", consumers: { worker: {} } } }),
        /made anew\nconsumer\/good\/worker applied/,
      );
      succeed(streams("apply", { good: { storage: "memory", maxBytes: "1MB", consumers: { worker: {} } } }), /^unchanged$/m);
    });

    test("what is not declared any more goes when it is empty, is refused while it holds messages, and is kept by who applies it all the same", () => {
      succeed(
        streams("apply", {
          good: { consumers: { worker: {}, other: {} } },
          full: { consumers: { reader: {} } },
          empty: { consumers: { reader: {} } },
        }),
        /empty created/,
      );
      assert.equal(nats("request", "full.a", "message").status, 0);
      const left = { good: { consumers: { worker: {} } } };
      assert.equal(
        streams("refusals", left).stdout.replaceAll(/\d+ bytes/g, "N bytes"),
        [
          'consumer/full/reader is not declared any more and has messages to deliver. To accept the loss, add "consumer/full/reader" to messaging:allowDataLoss.\n',
          'stream/full is not declared any more and holds 1 messages (N bytes). To accept the loss, add "stream/full" to messaging:allowDataLoss.\n',
        ].join(""),
      );
      const outcome = streams("apply", left);
      succeed(outcome, /^consumer\/full\/reader kept because it has messages to deliver\nstream\/full kept with 1 messages\n/);
      for (const gone of ["consumer/good/other", "consumer/empty/reader", "stream/empty"])
        assert.match(outcome.stdout, new RegExp(`^${gone} deleted$`, "m"));
      assert.equal(live("messages", "full"), 1);
      succeed(streams("apply", left), /^unchanged$/m);
      succeed(streams("remove", left), /stream\/good deleted/);
      consent("stream/full");
      succeed(streams("remove", { full: {} }, "full"), /stream\/full deleted/);
      consent();
    });

    test("what a run that was cut off has made, and what earlier versions have applied a task each, is removed as if this task had always made it", () => {
      const ledger = join(host.prefix, "var/lib/messaging/ledger/messaging/test");
      for (const name of ["cut", "earlier"])
        succeed(streams("apply", { [name]: { consumers: { worker: {} } } }, `by-hand-${name}`), /created/);
      const applied = (resource: string, file: string, text: string) => {
        mkdirSync(join(ledger, resource), { recursive: true });
        writeFileSync(join(ledger, resource, file), text);
      };
      applied("test-nats-streams", "begun", "stream/cut\nconsumer/cut/worker\n");
      applied("test-nats-stream-earlier", "inputs", `TASK=nats-stream\nURL=${url}\nSTREAM=earlier\n\n{}\n`);
      applied("test-nats-consumer-earlier-worker", "inputs", `TASK=nats-consumer\nURL=${url}\nSTREAM=earlier\nCONSUMER=worker\n\n{}\n`);
      const outcome = streams("apply", { kept: {} }, "nats-streams");
      for (const gone of ["consumer/cut/worker", "consumer/earlier/worker", "stream/cut", "stream/earlier"])
        assert.match(outcome.stdout, new RegExp(`^${gone} deleted$`, "m"));
      succeed(host.task("remove", "nats-stream", { RESOURCE: "test-nats-stream-earlier" }), /left to the task that took it over/);
      succeed(streams("remove", { kept: {} }, "nats-streams"), /stream\/kept deleted/);
    });

    test("removed: kept while it holds messages, deleted with consent, gone twice; a server that is down is no obstacle", async () => {
      assert.match(stream("refusals_of_removal", {}).stdout, /not declared any more and holds 5 messages/);
      succeed(stream("remove", {}), /kept with 5 messages/);
      assert.equal(live("messages"), 5);
      consent("stream/orders");
      assert.equal(stream("refusals_of_removal", {}).stdout, "");
      succeed(stream("apply", { retention: "workqueue" }), /made anew/);
      succeed(stream("remove", {}), /deleted/);
      for (const _ of [1, 2]) assert.equal(stream("remove", {}).status, 0);
      server.kill("SIGSTOP");
      succeed(stream("remove", {}), /kept as it is: .* does not answer/);
      server.kill("SIGCONT");
      await eventually("the server answers", 10, () => nats("rtt").status === 0);
    });
  });
}

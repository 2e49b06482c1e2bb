import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { observe, parseObservation } from "../../hosts/observe";
import { runLocal } from "../../hosts/run";
import { ledgerProgram } from "../../hosts/scripts";
import { LEDGER_FORMAT } from "../../hosts/task";
import { BUSYBOX_MISSING, HostShell, USERLANDS } from "../support/host-shell";

const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");

if (BUSYBOX_MISSING !== undefined) test("scripts on BusyBox", { skip: BUSYBOX_MISSING }, () => {});

for (const userland of USERLANDS) {
  describe(userland.name, () => {
    let host: HostShell;
    before(() => {
      host = new HostShell(userland);
    });
    after(() => host.dispose());

    const succeed = (outcome: { status: number | null; stdout: string; stderr: string }, pattern: RegExp) => {
      assert.equal(outcome.status, 0, outcome.stderr);
      assert.match(outcome.stdout, pattern);
    };

    test("the log of a service: its last lines, what came since, and both files when it was rotated meanwhile", () => {
      const entry = join(host.prefix, "var/lib/messaging/ledger/messaging/test/test-service");
      mkdirSync(entry, { recursive: true });
      writeFileSync(join(entry, "inputs"), "SUPERVISOR_VERSION=1\nNAME=nats-server\nPRODUCT=nats-server\nMANAGER=supervisord\n\n");
      const log = join(host.prefix, "var/log/nats-server.log");
      mkdirSync(join(host.prefix, "var/log"), { recursive: true });
      const since = (position: string): [text: string, position: string] => {
        const inputs = { WANTED: "nats-server", LINES: 2, POSITION: position };
        const { status, stdout, stderr } = host.send(ledgerProgram("logs.sh", host.prefix, "messaging/test", inputs));
        assert.equal(status, 0, stderr);
        const [text = "", end = ""] = stdout.split("\u001e");
        return [text, end.trim()];
      };
      writeFileSync(log, "one\ntwo\nthree\n");
      const [last, first] = since("");
      assert.equal(last, "two\nthree\n");
      assert.deepEqual(since(first), ["", first]);
      appendFileSync(log, "four\n");
      const [more, second] = since(first);
      assert.equal(more, "four\n");
      appendFileSync(log, "five\n");
      renameSync(log, `${log}.1`);
      writeFileSync(log, "six\n");
      const [both, third] = since(second);
      assert.equal(both, "five\nsix\n");
      assert.deepEqual(since(third), ["", third]);
      rmSync(log);
      rmSync(`${log}.1`);
      rmSync(entry, { recursive: true });
    });

    test("data-directory: made, unchanged, repaired, kept with its data, removed when empty", () => {
      const inputs = { DIRECTORY: join(host.prefix, "var/lib/data") };
      succeed(host.task("apply", "data-directory", inputs), /ready/);
      succeed(host.task("apply", "data-directory", inputs), /^unchanged$/m);
      chmodSync(inputs.DIRECTORY, 0o755);
      assert.match(host.task("differences", "data-directory", inputs).stdout, /^expected: .* drwx------ .*\nfound: .* drwxr-xr-x /);
      succeed(host.task("apply", "data-directory", inputs), /ready/);
      writeFileSync(join(inputs.DIRECTORY, "message"), "kept");
      succeed(host.task("remove", "data-directory", inputs), /kept with \d+ kB of data/);
      succeed(host.task("remove", "data-directory", inputs), /kept/);
      assert.equal(readFileSync(join(inputs.DIRECTORY, "message"), "utf8"), "kept");
      const logs = { DIRECTORY: join(host.prefix, "var/log/data"), CONTENTS: "logs" };
      succeed(host.task("apply", "data-directory", logs), /ready/);
      writeFileSync(join(logs.DIRECTORY, "log"), "line\n");
      succeed(host.task("remove", "data-directory", logs), /removed/);
      assert.equal(existsSync(logs.DIRECTORY), false, "logs go with their product");
    });

    test("data-directory: another directory is refused while the one of before has data, until it is moved or left behind on purpose", () => {
      const of = (name: string) => ({ DIRECTORY: join(host.prefix, "var/lib", name), CONTENTS: "data", OBJECT: "data/nats" });
      const refused = (name: string) => {
        const asked = host.task("refusals", "data-directory", of(name)).stdout;
        assert.match(
          asked,
          /^data\/nats: .*\/old holds \d+ kB, .*mv .*\/old .*\/new\) and run up.*add "data\/nats" to messaging:allowDataLoss\.$/m,
        );
        const { status, stderr } = host.task("apply", "data-directory", of(name));
        assert.notEqual(status, 0);
        assert.match(stderr, /refused, nothing was changed/);
      };
      succeed(host.task("apply", "data-directory", of("old")), /ready/);
      succeed(host.task("refusals", "data-directory", of("new")), /^$/);
      writeFileSync(join(of("old").DIRECTORY, "message"), "kept");
      refused("new");
      succeed(host.task("remove", "data-directory", of("old")), /kept/);
      mkdirSync(of("new").DIRECTORY, { mode: 0o700 });
      refused("new");
      renameSync(of("old").DIRECTORY, of("new").DIRECTORY);
      succeed(host.task("apply", "data-directory", of("new")), /^unchanged$/m);
      succeed(host.task("refusals", "data-directory", of("newer")), /data\/nats/);
      succeed(host.task("apply", "allow-data-loss", {}, "data/nats\n"), /1 objects/);
      succeed(host.task("apply", "data-directory", of("newer")), /ready/);
      succeed(host.task("remove", "allow-data-loss", {}, "data/nats\n"), /^/);
      succeed(host.task("remove", "data-directory", of("newer")), /removed/);
    });

    test("config-file: written, unchanged, an edited line is shown and repaired, removed twice", () => {
      const inputs = { FILE: join(host.prefix, "etc/product/a.conf"), BASE: "", CHECK: "", VERSION: "" };
      const body = '# comment\nlimit: 1000\npath: "/x y"\n';
      const candidate = `${inputs.FILE}.${sha256(body).slice(0, 12)}`;
      succeed(host.task("apply", "config-file", inputs, body), /written/);
      assert.equal(readFileSync(candidate, "utf8"), body);
      succeed(host.task("apply", "config-file", inputs, body), /^unchanged$/m);
      writeFileSync(candidate, body.replace("1000", "5"));
      assert.equal(
        host.task("differences", "config-file", inputs, body).stdout,
        `expected: ${candidate}: limit: 1000\nfound:    ${candidate}: limit: 5\n`,
      );
      succeed(host.task("apply", "config-file", inputs, body), /written/);
      assert.equal(readFileSync(candidate, "utf8"), body);
      succeed(host.task("remove", "config-file", inputs, body), /removed/);
      succeed(host.task("remove", "config-file", inputs, body), /removed/);
      assert.equal(existsSync(candidate), false);
    });

    describe("artifact", () => {
      let cache: string;
      let archive: string;
      const tool = "#!/bin/sh\necho tool\n";
      const inputs = (overrides: Record<string, string>) => ({
        NAME: "tool",
        VERSION: "1.0.0",
        ONLY: "tool",
        LINK: "yes",
        CACHE: cache,
        SIGNERS: "",
        KEYS_URL: "",
        ...overrides,
      });
      const built = (digest: string) => `tool sha256:${digest} - -\n`;
      const official = (file: string, digest: string, url = `http://127.0.0.1:9/${file}`) =>
        `${file} sha256:${digest} - ${url}\n${built(sha256(tool))}`;
      const apply = (overrides: Record<string, string>, body = built(sha256(tool))) =>
        host.task("apply", "artifact", inputs(overrides), body);
      const installed = () => join(host.prefix, "opt/tool/1.0.0/tool");

      before(() => {
        cache = join(host.directory, "cache");
        mkdirSync(join(host.directory, "tool-1.0.0"), { recursive: true });
        mkdirSync(cache);
        writeFileSync(join(host.directory, "tool-1.0.0/tool"), tool, { mode: 0o755 });
        archive = join(host.directory, "tool-1.0.0.tar.gz");
        spawnSync("tar", ["-czf", archive, "-C", host.directory, "tool-1.0.0"]);
      });

      test("the built binary is verified, installed and linked; a second run changes nothing", () => {
        writeFileSync(join(cache, "tool"), tool);
        succeed(apply({}), /tool 1\.0\.0 installed from tool, \d+ MB on disk$/m);
        succeed(apply({}), /^unchanged$/m);
        assert.equal(spawnSync(join(host.prefix, "opt/tool/current/tool"), { encoding: "utf8" }).stdout, "tool\n");
      });

      test("an altered binary is drift and is replaced", () => {
        writeFileSync(installed(), "#!/bin/sh\necho altered\n");
        const differences = host.task("differences", "artifact", inputs({}), built(sha256(tool))).stdout;
        assert.match(differences, /^expected: tool 1\.0\.0 contents .*\nfound: .* contents /);
        succeed(apply({}), /installed/);
        assert.equal(readFileSync(installed(), "utf8"), tool);
      });

      test("a wrong checksum is refused, names both digests, and leaves the installed version alone", () => {
        const before = readdirSync(join(host.prefix, "opt/tool"));
        const outcome = apply({}, built("0".repeat(64)));
        assert.equal(outcome.status, 1);
        assert.match(outcome.stderr, new RegExp(`checksum mismatch[^]*expected sha256:0{64}[^]*found    sha256:${sha256(tool)}`));
        assert.deepEqual(readdirSync(join(host.prefix, "opt/tool")), before);
        assert.equal(readFileSync(installed(), "utf8"), tool);
      });

      test("an official archive in the cache comes first; a truncated one is refused and nothing of it is unpacked", () => {
        const data = readFileSync(archive);
        const body = official("tool-1.0.0.tar.gz", sha256(data));
        writeFileSync(join(cache, "tool-1.0.0.tar.gz"), data.subarray(0, data.length - 20));
        const truncated = apply({ VERSION: "1.1.0" }, body);
        assert.equal(truncated.status, 1);
        assert.match(truncated.stderr, /checksum mismatch/);
        assert.equal(existsSync(join(host.prefix, "opt/tool/1.1.0")), false);
        writeFileSync(join(cache, "tool-1.0.0.tar.gz"), data);
        succeed(apply({ VERSION: "1.1.0" }, body), /installed from tool-1\.0\.0\.tar\.gz/);
      });

      test("an official archive may be a zip", () => {
        const zip = join(cache, "tool-1.0.0.zip");
        spawnSync("python3", ["-m", "zipfile", "-c", zip, join(host.directory, "tool-1.0.0")]);
        succeed(apply({ VERSION: "1.3.0" }, official("tool-1.0.0.zip", sha256(readFileSync(zip)))), /installed from tool-1\.0\.0\.zip/);
        assert.equal(spawnSync(join(host.prefix, "opt/tool/current/tool"), { encoding: "utf8" }).stdout, "tool\n");
      });

      test("without a cache the archive is downloaded and verified; an unreachable source is named", async () => {
        const data = readFileSync(archive);
        // Another process answers, because the host shell blocks this one.
        const answer = `require("node:http").createServer((q, r) => q.url === "/tool.tar.gz" ? r.end(require("node:fs").readFileSync(${JSON.stringify(archive)})) : r.writeHead(404).end()).listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;
        const { spawn } = await import("node:child_process");
        const server = spawn(process.execPath, ["-e", answer]);
        try {
          const port = await new Promise<string>((resolve) =>
            server.stdout.once("data", (line: Buffer) => resolve(line.toString().trim())),
          );
          const from = (file: string) =>
            apply({ CACHE: "/nonexistent", VERSION: "1.2.0" }, official(file, sha256(data), `http://127.0.0.1:${port}/${file}`));
          const missing = from("missing.tar.gz");
          assert.equal(missing.status, 1);
          assert.match(missing.stderr, /`npm run setup` brings it\nhttp:\S+missing\.tar\.gz cannot be fetched: .*404/);
          succeed(from("tool.tar.gz"), /installed from tool\.tar\.gz/);
        } finally {
          server.kill();
        }
      });

      test("nothing to install from is said with the fix", () => {
        const outcome = apply({ CACHE: "/nonexistent", VERSION: "9.9.9" });
        assert.equal(outcome.status, 1);
        assert.match(outcome.stderr, /not in the cache, and no source of it answers; `npm run setup`/);
      });

      test("removed twice, with every version", () => {
        succeed(host.task("remove", "artifact", inputs({})), /removed/);
        succeed(host.task("remove", "artifact", inputs({})), /removed/);
        assert.equal(existsSync(join(host.prefix, "opt/tool")), false);
      });
    });

    test("an input that is no KEY=value, or would shadow the shell's own, is refused", () => {
      for (const key of ["PATH", "lower", "1A", "A B"]) {
        const outcome = host.task("apply", "data-directory", { [key]: "x", DIRECTORY: join(host.prefix, "never") });
        assert.equal(outcome.status, 1, key);
        assert.match(outcome.stderr, /not an input/);
      }
      assert.equal(existsSync(join(host.prefix, "never")), false);
    });

    test("values are data: quotes, dollars and commands in them are not run", () => {
      const name = `a'b"c$(touch ${host.directory}/pwned)\`id\`;d`;
      succeed(host.task("apply", "data-directory", { DIRECTORY: join(host.directory, "values", name) }), /ready/);
      assert.deepEqual(readdirSync(join(host.directory, "values")).length > 0, true);
      assert.equal(existsSync(join(host.directory, "pwned")), false);
    });

    test("a lock of a dead process is taken over", () => {
      mkdirSync(join(host.prefix, "run"), { recursive: true });
      const dead = spawnSync("sh", ["-c", "echo $$"], { encoding: "utf8" }).stdout.trim();
      spawnSync("ln", ["-s", dead, join(host.prefix, "run/test-data-directory.lock")]);
      succeed(host.task("apply", "data-directory", { DIRECTORY: join(host.prefix, "var/lib/locked") }), /ready/);
      assert.equal(existsSync(join(host.prefix, "run/test-data-directory.lock")), false);
    });

    test("observe: platform, memory, tasks with their differences, listeners with their holder, edited scripts", async () => {
      const inputs = { DIRECTORY: join(host.prefix, "var/lib/observed") };
      host.task("apply", "data-directory", inputs);
      chmodSync(inputs.DIRECTORY, 0o777);
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      assert.ok(typeof address === "object" && address !== null);
      writeFileSync(join(host.prefix, "opt/messaging/tasks/nats-verify.sh"), "# edited\n", { flag: "a" });
      try {
        const outcome = host.observe([address.port]);
        assert.equal(outcome.status, 0, outcome.stderr);
        const observed = parseObservation(outcome.stdout);
        assert.match(observed.platform, /^(linux|darwin)-(amd64|arm64)$/);
        assert.ok(observed.memoryBytes > 100e6);
        assert.equal(observed.stack, "messaging/test");
        assert.equal(observed.listeners[0]?.pid, process.pid);
        assert.match(observed.tasks.get("test-data-directory")?.differences.join("\n") ?? "", /drwxrwxrwx/);
        assert.match(observed.tasks.get("test-scripts")?.differences.join("\n") ?? "", /tasks\/nats-verify\.sh/);
      } finally {
        server.close();
      }
      succeed(host.installScripts("apply"), /scripts installed/);
      assert.deepEqual(parseObservation(host.observe().stdout).tasks.get("test-scripts")?.differences, []);
    });

    test("an entry of the ledger in an earlier format is no drift and is written anew by the next apply; a later format is refused", async () => {
      const inputs = { DIRECTORY: join(host.prefix, "var/lib/observed") };
      const entry = join(host.prefix, "var/lib/messaging/ledger/messaging/test/test-data-directory/inputs");
      const differences = () => parseObservation(host.observe().stdout).tasks.get("test-data-directory")?.differences;
      chmodSync(inputs.DIRECTORY, 0o777);
      assert.equal(differences()?.length, 2);
      const recorded = readFileSync(entry, "utf8");
      for (const earlier of ["", "FORMAT=0\n"]) {
        writeFileSync(entry, recorded.replace(/^FORMAT=.*\n/m, earlier));
        assert.deepEqual(differences(), []);
      }
      chmodSync(inputs.DIRECTORY, 0o700);
      succeed(host.task("apply", "data-directory", inputs), /^unchanged$/m);
      assert.equal(readFileSync(entry, "utf8"), recorded);
      writeFileSync(entry, recorded.replace(/^FORMAT=.*$/m, `FORMAT=${LEDGER_FORMAT + 1}`));
      await assert.rejects(
        observe(runLocal, { prefix: host.prefix, stack: "messaging/test", ports: [] }),
        new RegExp(`ledger below ${host.prefix} has format ${LEDGER_FORMAT + 1}, written by a newer version.*: update the clone`),
      );
      writeFileSync(entry, recorded);
    });

    test("the scripts are removed twice and leave what others own", () => {
      for (const _ of [1, 2]) assert.equal(host.installScripts("remove").status, 0);
      assert.equal(existsSync(join(host.prefix, "opt/messaging")), false);
      assert.equal(existsSync(join(host.prefix, "var/lib/data/message")), true);
    });
  });
}

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pinnedVersions } from "../../config/pins";
import { parseObservation } from "../../hosts/observe";
import { artifactDir, platform } from "../../setup/paths";
import { HostShell, USERLANDS } from "../support/host-shell";
import { eventually, freePorts } from "../support/temporary";

// Found below the home that the tests change.
const SERVER = join(artifactDir("nats-server", pinnedVersions("nats-server")[0], platform()), "nats-server");

for (const userland of USERLANDS.filter(({ name }) => /^(dash with the|ash)/.test(name))) {
  describe(`adoption, ${userland.name}`, { timeout: 120_000 }, () => {
    let host: HostShell;
    let port: number;
    let server: ChildProcess;
    const home = process.env["HOME"];

    before(async () => {
      host = new HostShell(userland);
      process.env["HOME"] = host.directory;
      [port = NaN] = await freePorts(1);
      const config = join(host.directory, "by-hand.conf");
      writeFileSync(config, `listen: 127.0.0.1:${port}\njetstream { \n  store_dir: '${join(host.directory, "store")}'\n}\n`);
      server = spawn(SERVER, ["-c", "by-hand.conf"], { cwd: host.directory, stdio: "ignore" });
      await eventually("it listens", 20, () => parseObservation(host.observe([port]).stdout).listeners.length === 1);
    });
    after(() => {
      process.env["HOME"] = home;
      server.kill("SIGKILL");
      host.dispose();
    });

    const inputs = (data: string) => ({ PRODUCT: "nats-server", PORT: String(port), DATA: data });

    test("a server that was started by hand is recognised with its data", () => {
      const { servers } = parseObservation(host.observe([port]).stdout);
      assert.deepEqual(
        servers.map(({ port: found, product, data }) => ({ found, product, data })),
        [{ found: port, product: "nats-server", data: [join(host.directory, "store")] }],
      );
    });

    test("it is refused with other data, and ended with its own, which stays; its config is copied", () => {
      const refused = host.task("apply", "adopt", inputs("/elsewhere"));
      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, /has its data in .*\/store, this stack in \/elsewhere/);
      assert.equal(server.exitCode, null);
      const adopted = host.task("apply", "adopt", inputs(join(host.directory, "store")));
      assert.equal(adopted.status, 0, adopted.stderr);
      assert.match(adopted.stdout, /process \d+ ended/);
      assert.ok(existsSync(join(host.directory, "store")));
      const copies = join(host.prefix, "var/lib/messaging/adopted/nats-server");
      const [copy = ""] = readdirSync(copies);
      assert.match(readFileSync(join(copies, copy), "utf8"), /store_dir/);
      assert.match(host.task("apply", "adopt", inputs(join(host.directory, "store"))).stdout, /^unchanged$/m);
    });

    test("the property list com.ai.pulsar of an earlier set-up is recognised, and taken away with a copy", () => {
      const agents = join(host.directory, "Library/LaunchAgents");
      mkdirSync(agents, { recursive: true });
      const plist = join(agents, "com.ai.pulsar.plist");
      writeFileSync(plist, "<plist><dict>\n<key>PULSAR_PREFIX</key>\n<string>/Users/me/pulsar</string>\n</dict></plist>\n");
      assert.deepEqual(parseObservation(host.observe().stdout).earlier, [{ plist, prefix: "/Users/me/pulsar" }]);
      const pulsar = { RESOURCE: "test-pulsar-adopt", PRODUCT: "pulsar", PORT: String(port), DATA: "/Users/me/pulsar/data" };
      assert.match(host.task("differences", "adopt", pulsar).stdout, /com\.ai\.pulsar\.plist starts pulsar/);
      const adopted = host.task("apply", "adopt", pulsar);
      assert.equal(adopted.status, 0, adopted.stderr);
      assert.equal(existsSync(plist), false);
      assert.equal(readdirSync(join(host.prefix, "var/lib/messaging/adopted/pulsar")).length, 1);
    });
  });
}

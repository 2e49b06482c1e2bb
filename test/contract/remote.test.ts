import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { describeWithMachines, Machine } from "../support/machine";
import { eventually, isSecret, removeSandboxes, Sandbox } from "./harness";

// What the project relies on from remote commands and copies, official or not, against real sshds.

describeWithMachines("commands over SSH", 120_000, () => {
  let sandbox: Sandbox;
  let machine: Machine;
  let other: Machine;
  let agent: ChildProcess | undefined;

  const connection = (to: Machine = machine) => ({
    host: "127.0.0.1",
    port: to.port,
    user: "root",
    privateKey: to.privateKey,
    hostKey: to.hostKey,
    dialErrorLimit: 2,
  });

  before(async () => {
    sandbox = await Sandbox.create();
    [machine, other] = await Promise.all([Machine.boot(), Machine.boot()]);
  });

  after(async () => {
    agent?.kill();
    await Promise.all([machine.dispose(), other.dispose()]);
    removeSandboxes();
  });

  const life = (text: string, update?: string) => async (): Promise<void> => {
    new remote.Command("life", {
      create: "cat > /root/created; echo created; echo note >&2",
      ...(update === undefined ? {} : { update }),
      delete: "mv /root/created /root/deleted",
      stdin: text,
      addPreviousOutputInEnv: false,
      connection: connection(),
    });
  };

  it("create reads standard input; output and errors are kept; the connection is a secret", async () => {
    const run = await sandbox.up(life("one\ntwo\n"));
    assert.equal(machine.exec("cat /root/created"), "one\ntwo\n");
    const { inputs, outputs } = (await sandbox.state()).get("life");
    assert.ok(isSecret(inputs["connection"]) && isSecret(outputs["connection"]));
    assert.doesNotMatch(run.stdout, /OPENSSH PRIVATE KEY/);
    assert.deepEqual(run.logged("life").sort(), ["created", "note"]);
  });

  it("a changed stdin is previewed as an update with a line diff, and nothing is run", async () => {
    const run = await sandbox.preview(life("one\nzwei\n"));
    assert.deepEqual(run.steps("life"), ["update"]);
    assert.deepEqual(run.changedPaths("life"), ["stdin"]);
    assert.match(run.stdout, /^\s*- two$/m);
    assert.match(run.stdout, /^\s*\+ zwei$/m);
    assert.equal(machine.exec("cat /root/created"), "one\ntwo\n");
  });

  it("update runs where there is one, comments in it included, and delete runs at the end", async () => {
    await sandbox.up(life("three\n", "cat > /root/created\n# a comment: it's ignored"));
    assert.equal(machine.exec("cat /root/created"), "three\n");
    await sandbox.destroy();
    assert.equal(machine.exec("cat /root/deleted"), "three\n");
  });

  it("a failure names the status, the command and its output, never the input", async () => {
    const failed = sandbox.up(async () => {
      new remote.Command("failing", { create: "echo out; echo err >&2; exit 3", stdin: "hush-hush", connection: connection() });
    });
    await assert.rejects(failed, (error: Error) => {
      assert.match(error.message, /status 3[^]*out\b[^]*err\b/);
      assert.doesNotMatch(error.message, /hush-hush/);
      return true;
    });
  });

  it("a wrong host key is an error, and the command does not run", async () => {
    const refused = sandbox.up(async () => {
      new remote.Command("stranger", { create: "touch /root/stranger", connection: { ...connection(), hostKey: other.hostKey } });
    });
    await assert.rejects(refused, /host key mismatch/);
    assert.equal(machine.exec("ls /root"), "deleted\n");
  });

  it("a server that does not answer is given up after dialErrorLimit", async () => {
    const refused = sandbox.up(async () => {
      new remote.Command("nobody", { create: "true", connection: { ...connection(), port: 1 } });
    });
    await assert.rejects(refused, /failed attempts/);
  });

  it("a proxy is a jump host with a pinned key of its own", async () => {
    await sandbox.up(async () => {
      new remote.Command("jumped", {
        create: "hostname",
        // From the proxy, its own sshd is at 127.0.0.1:22.
        connection: { ...connection(other), port: 22, proxy: connection(other) },
      });
    });
    assert.equal((await sandbox.state()).get("jumped").outputs["stdout"], other.exec("hostname").trim());
  });

  it("an agent proves the user", async () => {
    const socket = join(sandbox.dir, "agent");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    await eventually(
      "the agent answers",
      () => spawnSync("ssh-add", ["-l"], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status === 1,
    );
    const added = spawnSync("ssh-add", ["-q", "-"], { env: { ...process.env, SSH_AUTH_SOCK: socket }, input: machine.privateKey });
    assert.equal(added.status, 0);
    await sandbox.up(async () => {
      const { privateKey: _, ...rest } = connection();
      new remote.Command("agent", { create: "echo by agent", connection: { ...rest, agentSocketPath: socket } });
    });
    assert.equal((await sandbox.state()).get("agent").outputs["stdout"], "by agent");
  });

  it("CopyToRemote copies a file, follows its contents, and leaves it there", async () => {
    const file = join(sandbox.dir, "payload");
    const program = async (): Promise<void> => {
      new remote.CopyToRemote("copy", { source: new pulumi.asset.FileAsset(file), remotePath: "/root/payload", connection: connection() });
    };
    const contents = "x".repeat(3_000_000);
    writeFileSync(file, contents);
    await sandbox.up(program);
    assert.equal(machine.exec("cat /root/payload"), contents);
    const again = await sandbox.up(program);
    assert.deepEqual(again.steps("copy"), ["same"]);
    writeFileSync(file, "changed");
    const run = await sandbox.up(program);
    assert.deepEqual(run.steps("copy"), ["update"]);
    assert.equal(machine.exec("cat /root/payload"), "changed");
    await sandbox.destroy();
    assert.equal(machine.exec("cat /root/payload"), "changed");
  });

  it("CopyToRemote puts a file into a folder that is there, and a folder beside what it holds", async () => {
    const folder = join(sandbox.dir, "folder");
    mkdirSync(join(folder, "deep"), { recursive: true });
    writeFileSync(join(folder, "deep", "file"), "in the folder");
    machine.exec("mkdir /root/there");
    await sandbox.up(async () => {
      const copy = { remotePath: "/root/there", connection: connection() };
      new remote.CopyToRemote("file", { ...copy, source: new pulumi.asset.FileAsset(join(folder, "deep", "file")) });
      new remote.CopyToRemote("folder", { ...copy, source: new pulumi.asset.FileArchive(folder) });
    });
    assert.equal(machine.exec("cat /root/there/file /root/there/folder/deep/file"), "in the folderin the folder");
  });

  it("a secret is in no process list and no log of the server", () => {
    const said = machine.exec("ps -eo args; journalctl --no-pager");
    assert.match(said, /Accepted publickey/);
    assert.doesNotMatch(said, /hush-hush|PRIVATE KEY/);
  });
});

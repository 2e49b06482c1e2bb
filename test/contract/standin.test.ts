import { local, remote } from "@pulumi/command";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, beforeEach, describe, it } from "node:test";
import { describeWithMachines, Machine } from "../support/machine";
import { eventually, isRunning, removeSandboxes, Sandbox } from "./harness";

// What the stand-in for the command provider does beyond the official one, or instead.

const timeout = 60_000;

after(removeSandboxes);

describe("the stand-in", { timeout }, () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await Sandbox.create();
  });

  /** Starts a command that notes the plugin's process id, its own and its child's; resolves when both run. */
  async function startFamily(script: string, signal?: AbortSignal): Promise<{ stopped: Promise<void> }> {
    const stopped = assert.rejects(
      sandbox.up(
        async () => {
          new local.Command("family", { create: script, dir: sandbox.dir });
        },
        { signal },
      ),
    );
    await eventually("the family runs", () => sandbox.lines("pids").length === 3, 20);
    return { stopped };
  }

  async function assertFamilyGone(): Promise<void> {
    const [, parent, child] = sandbox.lines("pids");
    await eventually("the command is gone", () => !isRunning(parent));
    await eventually("its child is gone", () => !isRunning(child));
  }

  const family = "echo $PPID > pids; echo $$ >> pids; sleep 60 & echo $! >> pids; wait";

  it("ends what a cancelled command has started, even what ignores SIGTERM", async () => {
    const abort = new AbortController();
    const { stopped } = await startFamily(`trap '' TERM; ${family}`, abort.signal);
    abort.abort();
    await assertFamilyGone();
    await stopped;
  });

  it("leaves no command behind when the engine is killed", async () => {
    const { stopped } = await startFamily(family);
    const plugin = sandbox.lines("pids")[0] ?? "";
    const engine = execFileSync("ps", ["-o", "ppid=", "-p", plugin], { encoding: "utf8" });
    process.kill(Number(engine), "SIGKILL");
    await assertFamilyGone();
    await eventually("the plugin is gone", () => !isRunning(plugin));
    await stopped;
  });

  it("leaves no command behind when it is told to end itself", async () => {
    const { stopped } = await startFamily(family);
    process.kill(Number(sandbox.lines("pids")[0]), "SIGTERM");
    await assertFamilyGone();
    await stopped;
  });

  it("reports long errors", async () => {
    const failed = sandbox.up(async () => {
      new local.Command("wordy", { create: "seq 60000; exit 5", logging: "none" });
    });
    await assert.rejects(failed, /exit status 5: running "seq 60000; exit 5":[^]*59999/);
  });

  it("names what it does not provide", async () => {
    const refused = sandbox.preview(async () => {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- which is why it is absent
      new remote.CopyFile("copy", { localPath: "x", remotePath: "y", connection: { host: "127.0.0.1" } });
    });
    await assert.rejects(refused, /command:remote:CopyFile is not provided/);
  });
});

describeWithMachines("the stand-in over SSH", 120_000, () => {
  let sandbox: Sandbox;
  let machine: Machine;

  before(async () => {
    sandbox = await Sandbox.create();
    machine = await Machine.boot();
  });

  after(() => machine.dispose());

  /** Two commands at once, and one that follows. */
  const family = (create: string) => async (): Promise<void> => {
    const { port, privateKey, hostKey } = machine;
    const inputs = { create, connection: { host: "127.0.0.1", port, user: "root", privateKey, hostKey } };
    const parents = ["father", "mother"].map((name) => new remote.Command(name, inputs));
    new remote.Command("child", inputs, { dependsOn: parents });
  };

  const logins = () => Number(machine.exec("journalctl --no-pager | grep -c 'Accepted publickey' || :"));

  it("does everything on a server over one connection", async () => {
    const before = logins();
    await sandbox.up(family("sleep 1; echo done"));
    assert.equal(logins(), before + 1);
    await sandbox.destroy();
  });

  it("logs in again where a server allows one session for each connection", async () => {
    machine.exec("echo 'MaxSessions 1' > /etc/ssh/sshd_config.d/sessions.conf && systemctl reload ssh");
    await sandbox.up(family("sleep 1; echo done"));
    const state = await sandbox.state();
    for (const name of ["father", "mother", "child"]) assert.equal(state.get(name).outputs["stdout"], "done");
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isStale, programOf, removeTornAttributes } from "../../setup/heal.js";
import { removeDirectory, temporaryDirectory } from "../support/temporary";

const lock = { pid: 4711, hostname: "here", username: "me" };

describe("a lock of the local backend", () => {
  it("is stale when its process is gone", () =>
    assert.equal(
      isStale(lock, "here", () => undefined),
      true,
    ));
  it("is stale when another program has its number", () =>
    assert.equal(
      isStale(lock, "here", () => "bash"),
      true,
    ));
  it("is held while a pulumi runs", () =>
    assert.equal(
      isStale(lock, "here", () => "pulumi"),
      false,
    ));
  it("of another machine is never touched", () =>
    assert.equal(
      isStale(lock, "there", () => undefined),
      false,
    ));
});

describe("the program behind a process number", () => {
  it("is known while it runs, and not when it is gone", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    const { pid = 0 } = child;
    assert.equal(programOf(pid), "sleep");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(programOf(pid), undefined);
  });

  it("is not known of one that was killed and nobody has waited for", async () => {
    const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"]);
    const [output] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(output.toString());
    process.kill(pid, "SIGKILL");
    for (const end = Date.now() + 2000; programOf(pid) !== undefined;) {
      assert.ok(Date.now() < end, "still seen");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    parent.kill("SIGKILL");
  });
});

describe("attributes of a file of the backend", () => {
  it("go when a kill has cut them off, and stay otherwise", (t) => {
    const backend = temporaryDirectory();
    t.after(() => removeDirectory(backend));
    const stacks = join(backend, ".pulumi/stacks/messaging");
    mkdirSync(stacks, { recursive: true });
    const [torn, whole] = [join(stacks, "torn.json.attrs"), join(stacks, "whole.json.attrs")];
    writeFileSync(torn, "");
    writeFileSync(whole, "{}\n");
    assert.deepEqual(removeTornAttributes(backend), [torn]);
    assert.deepEqual([existsSync(torn), existsSync(whole)], [false, true]);
  });
});

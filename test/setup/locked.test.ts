import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../setup/paths.js";

const dir = fs.mkdtempSync(path.join(os.tmpdir(), "locked-"));
after(() => fs.rmSync(dir, { recursive: true }));

/** Runs a shell script under a lock and collects what it says. */
function locked(name: string, script: string) {
  const args = [path.join(root, "setup", "locked.py"), path.join(dir, "locks", name), "sh", "-c", script];
  const child = spawn("python3", args, { stdio: ["ignore", "pipe", "pipe"] });
  const run = { child, text: "", ended: new Promise<number | null>((resolve) => child.on("exit", resolve)) };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (run.text += data.toString()));
  return run;
}

async function until(condition: () => boolean) {
  const end = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < end, "timed out");
    await sleep(10);
  }
}

describe("locked.py", () => {
  it("lets one run after the other, and says whom it waits for", async () => {
    const file = path.join(dir, "order");
    const seen = path.join(dir, "seen");
    const first = locked("a", `echo begin; until [ -e ${seen} ]; do sleep 0.05; done; echo first >>${file}`);
    await until(() => first.text.includes("begin"));
    const second = locked("a", `echo second >>${file}`);
    await until(() => second.text.includes(`another setup is running (pid ${first.child.pid}), waiting`));
    fs.writeFileSync(seen, "");
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [0, 0]);
    assert.equal(fs.readFileSync(file, "utf8"), "first\nsecond\n");
  });

  it("passes the exit code on", async () => assert.equal(await locked("b", "exit 7").ended, 7));

  it("is free again after kill -9", async () => {
    const killed = locked("c", "echo begin; exec sleep 60");
    await until(() => killed.text.includes("begin"));
    killed.child.kill("SIGKILL");
    assert.equal(await locked("c", "true").ended, 0);
  });

  it("stays locked while a child of the killed process works", async () => {
    const file = path.join(dir, "child");
    const killed = locked("d", `(sleep 0.5; echo done >${file}) & echo begin; wait`);
    await until(() => killed.text.includes("begin"));
    killed.child.kill("SIGKILL");
    assert.equal(await locked("d", `test -s ${file}`).ended, 0);
  });

  it("does not take a lock on a file that has been deleted", async () => {
    const first = locked("e", `echo begin; sleep 0.3; rm -r ${dir}/locks; sleep 0.1`);
    await until(() => first.text.includes("begin"));
    const second = locked("e", `test -e ${dir}/locks/e`);
    assert.equal(await second.ended, 0);
  });
});

import { local } from "@pulumi/command";
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assertNothingToDo, eventually, isRunning, removeSandboxes, Sandbox } from "./harness";

// What the project relies on when commands fail, take their time or are cancelled; official plugin or not.

const timeout = 60_000;

after(removeSandboxes);

describe("a command that cannot be run", { timeout }, () => {
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
  });

  const program = (stdin: string, status: number) => async (): Promise<void> => {
    new local.Command("failing", {
      create: `cat > /dev/null; echo to-out; echo to-err >&2; exit ${status}`,
      stdin,
    });
  };

  it("is refused by the check if an input has another type or is unknown", async () => {
    for (const [name, inputs] of Object.entries({ dir: { dir: 1 }, bogus: { bogus: "x" } })) {
      const refused = sandbox.preview(async () => {
        new local.Command(name, {}, { transforms: [({ opts }) => ({ props: inputs, opts })] });
      });
      await assert.rejects(refused, new RegExp(`property ${name} .* has a problem`));
    }
  });

  it("fails with its status, text and output but not its input, and leaves nothing in the state", async () => {
    await assert.rejects(sandbox.up(program("hush-hush", 3)), (error: Error) => {
      assert.match(error.message, /exit status 3: running "cat > \/dev\/null; echo to-out; echo to-err >&2; exit 3":/);
      assert.match(error.message, /to-err/);
      assert.doesNotMatch(error.message, /hush-hush/);
      return true;
    });
    assert.equal((await sandbox.state()).has("failing"), false);
  });

  it("converges once it succeeds", async () => {
    const run = await sandbox.up(program("first", 0));
    assert.deepEqual(run.steps("failing"), ["create"]);
  });

  it("leaves the old state when an update fails, so that the next one converges", async () => {
    const known = (await sandbox.state()).get("failing");
    await assert.rejects(sandbox.up(program("second", 4)), /exit status 4/);
    assert.deepEqual((await sandbox.state()).get("failing").outputs, known.outputs);
    const run = await sandbox.up(program("second", 0));
    assert.deepEqual(run.steps("failing"), ["update"]);
    assert.equal((await sandbox.state()).get("failing").outputs.stdin, "second");
    assertNothingToDo(await sandbox.preview(program("second", 0)));
  });
});

describe("a command that takes its time", { timeout }, () => {
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
  });

  it("shows its output while it runs", async () => {
    const proceed = join(sandbox.dir, "proceed");
    const create = `echo early; for i in $(seq 200); do [ -e ${proceed} ] && exit 0; sleep 0.1; done; exit 1`;
    await sandbox.up(
      async () => {
        new local.Command("streaming", { create });
      },
      { onLine: (line) => line === "early" && writeFileSync(proceed, "") },
    );
  });

  it("is ended when the operation is cancelled", async () => {
    const abort = new AbortController();
    const cancelled = assert.rejects(
      sandbox.up(
        async () => {
          new local.Command("endless", { create: "echo $$ > pid; exec sleep 60", dir: sandbox.dir });
        },
        { signal: abort.signal },
      ),
    );
    await eventually("the command runs", () => sandbox.lines("pid").length > 0, 20);
    abort.abort();
    await eventually("the command is gone", () => !isRunning(sandbox.lines("pid")[0]));
    await cancelled;
  });
});

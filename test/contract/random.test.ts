import { RandomBytes } from "@pulumi/random";
import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { assertNothingToDo, isSecret, removeSandboxes, Sandbox } from "./harness";

// What the project relies on in RandomBytes; official plugin or not.

after(removeSandboxes);

describe("random.RandomBytes", { timeout: 60_000 }, () => {
  let sandbox: Sandbox;
  const lengths: number[] = [];
  const seen: string[] = [];

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    lengths.length = 0;
    seen.length = 0;
  });

  /** A program with bytes of a length, which notes what it gets to see of them. */
  function bytes(length: number, keepers?: Record<string, string>): () => Promise<void> {
    return async () => {
      const key = new RandomBytes("key", { length, ...(keepers === undefined ? {} : { keepers }) });
      key.base64.apply((text) => {
        lengths.push(Buffer.from(text, "base64").length);
        seen.push(text);
      });
    };
  }

  it("are made once, of the length asked for, and are secrets in the state and in what is printed", async () => {
    const first = await sandbox.up(bytes(32));
    const second = await sandbox.up(bytes(32));
    assertNothingToDo(second);
    assert.deepEqual(lengths, [32, 32]);
    assert.equal(seen[0], seen[1]);
    const { outputs } = (await sandbox.state()).get("key");
    assert.ok(isSecret(outputs["base64"]) && isSecret(outputs["hex"]));
    assert.ok(!`${first.stdout}${second.stdout}`.includes(seen[0] ?? ""));
  });

  it("are unknown in a preview, and others when the length or a keeper changes", async () => {
    await sandbox.preview(bytes(16));
    assert.deepEqual(seen, []);
    await sandbox.up(bytes(16, { generation: "1" }));
    const replaced = await sandbox.up(bytes(16, { generation: "2" }));
    assert.deepEqual(replaced.steps("key"), ["create-replacement", "replace", "delete-replaced"]);
    assert.notEqual(seen[0], seen[1]);
    await assert.rejects(sandbox.up(bytes(0)), /length/);
    await sandbox.destroy();
  });
});

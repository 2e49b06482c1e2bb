import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { TestStack } from "../../support/test-stack";

const CANARY = "canary-4711-0815";

describe("npm run ci:preview", { timeout: 600_000 }, () => {
  let stack: TestStack;
  let stranger: Server;
  before(async () => {
    process.env["CANARY_TOKEN"] = CANARY;
    stack = await TestStack.forNpmScripts();
    // Would be refused on a host that is looked at.
    stranger = createServer().listen(stack.client, "127.0.0.1");
  });
  after(() => {
    delete process.env["CANARY_TOKEN"];
    stranger.close();
    stack.dispose();
  });

  /** Writes settings for a stack. @returns their path */
  function settings(name: string, nats: Readonly<Record<string, unknown>>): string {
    const file = join(stack.directory, `Pulumi.${name}.yaml`);
    const config = {
      "messaging:hosts": { local: { prefix: stack.prefix } },
      "messaging:nats": { memory: "200MB", ports: { client: stack.client, monitoring: stack.monitoring }, ...nats },
    };
    writeFileSync(file, stringify({ config }));
    return file;
  }

  test("previews every stack without a look at its host, fails on what a policy or the program refuses, and keeps secrets to itself", () => {
    const comment = join(stack.directory, "comment.md");
    const files = [settings("good", {}), settings("bad", { durability: "interval" }), settings("wrong", { writeDeadline: CANARY })];
    const { status, output } = stack.npmScript("ci:preview", "--previews-only", "--comment", comment, ...files);
    assert.equal(status, 1, output);
    assert.match(output, /^good: passed\nbad: refused\nwrong: refused$/m);
    assert.match(output, /host local is not looked at \(messaging:observe: false\)/);
    const text = readFileSync(comment, "utf8");
    assert.match(text, /✅ <code>good<\/code>: 17 to create/);
    assert.match(text, /❌ <code>bad<\/code>: refused by durable-storage/);
    assert.match(text, /❌ <code>wrong<\/code>: failed/);
    assert.match(text, /messaging:nats\.writeDeadline: got "\[secret\]"; allowed: a duration/);
    assert.ok(!text.includes(CANARY));
    assert.equal(existsSync(stack.prefix), false);
    const good = stack.npmScript("ci:preview", "--previews-only", settings("good", {}));
    assert.equal(good.status, 0, good.output);
    assert.match(good.output, /^<!-- messaging preview -->$/m);
  });
});

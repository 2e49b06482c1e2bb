// A Pulsar that runs without a manager, with messages that nobody has read yet, is taken over by a stack.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { PulsarRest } from "../support/pulsar-rest";
import { TestStack } from "../support/test-stack";
import { eventually, freePorts } from "../support/temporary";

const TOPIC = "persistent/public/default/legacy";
const MEMORY = { maxHeap: "384MiB", initialHeap: "256MiB", maxDirect: "192MiB" };

describe("adoption of a running Pulsar", { timeout: 1_800_000 }, () => {
  let first: TestStack;
  let second: TestStack;
  let pulsar: PulsarRest;
  let ports: { broker: number; web: number; bookie: number };

  before(async () => {
    [first, second] = [await TestStack.forPulumi(), await TestStack.forPulumi()];
    const [broker = 0, web = 0, bookie = 0] = await freePorts(3);
    ports = { broker, web, bookie };
    pulsar = new PulsarRest(web);
    first.configureWithoutNats({ pulsar: { memory: MEMORY, ports } });
    const { status, output } = first.operate("up");
    assert.equal(status, 0, output);
    process.kill(first.pid("supervisord"), "SIGKILL");
    await pulsar.admin("PUT", TOPIC);
    await pulsar.admin("PUT", `${TOPIC}/subscription/readers`, "earliest");
    await pulsar.publish(TOPIC, 20);
  });
  after(() => {
    second.dispose();
    first.dispose();
  });

  const configure = (adopt: boolean, where: Record<string, string> = {}) =>
    second.configureWithoutNats({
      hosts: { local: { prefix: second.prefix, ...(adopt ? { adopt } : {}) } },
      pulsar: { memory: MEMORY, ports, ...where },
    });
  const refused = (words: RegExp) => {
    const { status, output } = second.operate("preview");
    assert.notEqual(status, 0, output);
    assert.match(output, words);
  };

  test("the preview names it, and the settings that it takes", async () => {
    configure(false);
    refused(/the pulsar on port \d+ \(pid \d+, kept alive by nothing\) is not this stack's; messaging:hosts\.local\.adopt: true ends it/);
    configure(true);
    refused(/messaging:pulsar\.dataDirectory: got .*; allowed: .*, as the pulsar on port \d+/);
    assert.equal(await pulsar.backlog(TOPIC, "readers"), 20);
  });

  test("up serves its data where they are; nothing is lost, and the next preview is empty", async () => {
    const data = join(first.prefix, "var/lib/pulsar");
    configure(true, { dataDirectory: data, bookkeeperDirectory: join(data, "bookkeeper") });
    const { status, output } = second.operate("up");
    assert.equal(status, 0, output);
    assert.match(output, /adopting the pulsar on port/);
    await eventually("it is healthy", 60, () => pulsar.healthy());
    assert.equal(await pulsar.backlog(TOPIC, "readers"), 20);
    assert.match(second.run("find", join(second.prefix, "var/lib/messaging/adopted/pulsar"), "-type", "f").output, /-standalone\.conf/);
    assert.deepEqual(second.changes(), []);
  });
});

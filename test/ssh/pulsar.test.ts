import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { describeWithMachines, Machine } from "../support/machine";
import { TestStack } from "../support/test-stack";

const UNIT = "messaging-test-pulsar.service";
const TOPIC = "persistent://arc/agents/events";

describeWithMachines("Pulsar on a host over SSH", 1_800_000, () => {
  let stack: TestStack;
  let machine: Machine;

  before(async () => {
    [stack, machine] = await Promise.all([TestStack.forPulumi(), Machine.boot()]);
  });

  after(async () => {
    stack.dispose();
    await machine.dispose();
  });

  test("up installs it, proven, with its namespace; a preview after it finds nothing to do", () => {
    stack.configureWithoutNats({
      hosts: { core: { connection: "ssh", host: "127.0.0.1", port: machine.port, user: "root", hostKey: machine.hostKey } },
      pulsar: { memory: { maxHeap: "448MiB", initialHeap: "256MiB", maxDirect: "256MiB" } },
      namespaces: {
        "arc/agents": { retention: { time: "7d", size: "1GB" }, topics: { events: { subscriptions: { me: { position: "earliest" } } } } },
      },
    });
    stack.setSecret("hosts.core.privateKey", machine.privateKey);
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    assert.equal(machine.exec(`systemctl is-active ${UNIT}`), "active\n");
    assert.equal(machine.exec(`ps -o user:20= -p $(systemctl show -p MainPID --value ${UNIT})`).trim(), "messaging-pulsar");
  });

  test("the unit's exposure is at most 3.0", () => {
    const said = machine.exec(`systemd-analyze security --no-pager ${UNIT} | tail -n 2`);
    const exposure = Number(/exposure level for .*: ([0-9.]+)/.exec(said)?.[1]);
    console.log(`systemd-analyze security: ${UNIT} ${exposure}`);
    assert.ok(exposure <= 3, said);
  });

  test("every listener is on loopback", () => {
    const listeners = machine
      .exec("ss -Hltn")
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/)[3] ?? "");
    assert.deepEqual(
      listeners.filter((address) => !/:22$/.test(address) && !/^(127\.|\[::1\]|\[::ffff:127\.)/.test(address)),
      [],
    );
  });

  test("after a reboot it is back with its messages", async () => {
    machine.exec(`/opt/messaging/bin/pulsar-client produce ${TOPIC} --messages before-the-reboot`);
    await machine.reboot();
    machine.exec("for second in $(seq 120); do curl -fs http://127.0.0.1:8080/admin/v2/brokers/ready && exit 0; sleep 1; done; exit 1");
    assert.match(
      machine.exec(`/opt/messaging/bin/pulsar-client consume ${TOPIC} --subscription-name me --num-messages 1`),
      /before-the-reboot/,
    );
  });

  test("destroy keeps the data", () => {
    const { status, output } = stack.operate("destroy");
    assert.equal(status, 0, output);
    assert.equal(machine.exec(`systemctl list-units --all --no-legend 'messaging*'`), "");
    assert.match(machine.exec("ls /opt/messaging/var/lib"), /pulsar/);
  });
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { describeWithMachines, Machine } from "../support/machine";
import { TestStack } from "../support/test-stack";

const UNIT = "messaging-test-nats-server.service";

describeWithMachines("a host over SSH without root", 900_000, () => {
  let stack: TestStack;
  let machine: Machine;

  before(async () => {
    [stack, machine] = await Promise.all([TestStack.forPulumi(), Machine.boot(["bin/curl", "bin/unzip", "bin/perl", "bin/gpgv"])]);
    machine.addUser("plain", false);
  });

  after(async () => {
    stack.dispose();
    await machine.dispose();
  });

  const configure = (services: string) => {
    stack.configureWithoutNats({
      hosts: {
        edge: {
          connection: "ssh",
          host: "127.0.0.1",
          port: machine.port,
          user: "plain",
          hostKey: machine.hostKey,
          prefix: "/home/plain/messaging",
          services,
        },
      },
      nats: { memory: "200MB", jetstream: { maxFileStore: "1GB" } },
    });
    stack.setSecret("hosts.edge.privateKey", machine.privateKey);
  };
  const asUser = (command: string) => machine.exec(`su plain -c 'export XDG_RUNTIME_DIR=/run/user/'"$(id -u plain)"'; ${command}'`);

  test("without lingering its systemd is refused with what is missing", () => {
    configure("systemd");
    const { status, output } = stack.operate("preview");
    assert.notEqual(status, 0);
    assert.match(output, /messaging:hosts\.edge\.services: got "systemd"; .*loginctl enable-linger/);
  });

  test("with lingering auto takes the user's own systemd, and nothing outside the user's home is touched", () => {
    machine.exec("loginctl enable-linger plain; touch /root/before");
    configure("auto");
    const up = stack.operate("up");
    assert.equal(up.status, 0, up.output);
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
    assert.equal(asUser(`systemctl --user is-active ${UNIT}`), "active\n");
    assert.equal(machine.exec("find /etc /opt /usr /root -newer /root/before -type f"), "");
  });

  test("its cap of memory is that of its cgroup where the system delegates memory to users; else the preview says what is missing, and nothing claims a cap", () => {
    const uid = machine.exec("id -u plain").trim();
    const controllers = machine.exec(
      `cat /sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers 2>/dev/null || :`,
    );
    const delegated = /\bmemory\b/.test(controllers);
    const { enforcement } = JSON.parse(stack.pulumi("stack", "output", "ram", "--json").output) as { enforcement: string };
    const { output } = stack.operate("preview");
    const missing = /host edge: its user's systemd cannot cap memory/;
    if (delegated) {
      const group = asUser(`systemctl --user show -p ControlGroup --value ${UNIT}`).trim();
      const inPages = [200_000_000, 190_000_000].map((bytes) => Math.floor(bytes / 4096) * 4096);
      assert.equal(
        machine.exec(`cd /sys/fs/cgroup${group} && cat memory.max memory.high memory.swap.max`).trim(),
        [...inPages, 0].join("\n"),
      );
      assert.equal(enforcement, "cgroup");
      assert.doesNotMatch(output, missing);
    } else {
      assert.doesNotMatch(asUser(`systemctl --user cat ${UNIT}`), /^Memory/m);
      assert.equal(enforcement, "runtime");
      assert.match(output, missing);
    }
    console.log(`memory ${delegated ? "is" : "is not"} delegated to users here`);
  });

  test("it has no Java, gpg, Python or curl, and nobody was asked anything", () => {
    assert.equal(machine.exec("for program in java gpg python3 curl; do command -v $program || :; done"), "");
  });

  test("after a reboot it is back before anybody logs in", async () => {
    await machine.reboot();
    machine.exec("for second in $(seq 30); do wget -q -O - http://127.0.0.1:8222/healthz && exit 0; sleep 1; done; exit 1");
    const preview = stack.operate("preview", "--expect-no-changes");
    assert.equal(preview.status, 0, preview.output);
  });

  test("destroy leaves the data, and a note of what it kept", () => {
    const { status, output } = stack.operate("destroy");
    assert.equal(status, 0, output);
    assert.equal(
      machine
        .exec("find /home/plain/messaging -mindepth 3 -maxdepth 3 | sort; ls -A /home/plain/.config/systemd/user/default.target.wants")
        .trim(),
      "/home/plain/messaging/var/lib/messaging\n/home/plain/messaging/var/lib/nats",
    );
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObservation } from "../../hosts/observe";

test("the facts of a host are read by kind", () => {
  const observed = parseObservation(
    [
      "platform\tlinux-amd64",
      "memory\t16000000000",
      "user\t1000\tmessaging",
      "filesystem\t/srv\t1000\t400",
      "filesystem\t/\t2000\t500",
      "filesystem\t/srv\t1000\t400",
      "listener\t4222\t17\tredis-server *:4222 ",
      "listener\t8222\tunknown\ta process of another user",
      "own\t99",
      "stack\tmessaging/dev",
      "task\tlocal-a\t2026-01-01T00:00:00Z",
      "task\tlocal-b\t2026-01-02T00:00:00Z\t1",
      "task\tlocal-c\t2026-01-03T00:00:00Z\t0",
      "difference\tlocal-b\texpected: x",
      "difference\tlocal-b\tfound:    y",
      "",
    ].join("\n"),
  );
  assert.equal(observed.platform, "linux-amd64");
  assert.equal(observed.memoryBytes, 16e9);
  assert.equal(observed.user, "messaging");
  assert.deepEqual(observed.fileSystems, [
    { mount: "/srv", sizeBytes: 1000, availableBytes: 400 },
    { mount: "/", sizeBytes: 2000, availableBytes: 500 },
  ]);
  assert.deepEqual(observed.listeners, [
    { port: 4222, pid: 17, command: "redis-server *:4222" },
    { port: 8222, pid: undefined, command: "a process of another user" },
  ]);
  assert.deepEqual([...observed.ownPids], [99]);
  assert.equal(observed.stack, "messaging/dev");
  assert.deepEqual(observed.tasks.get("local-a"), { applied: "2026-01-01T00:00:00Z", differences: [], outdated: false, copied: undefined });
  assert.equal(observed.ledgerFormat, 1);
  assert.deepEqual(observed.tasks.get("local-c"), { applied: "2026-01-03T00:00:00Z", differences: [], outdated: true, copied: undefined });
  assert.deepEqual(observed.tasks.get("local-b")?.differences, ["expected: x", "found:    y"]);
});

test("a bare host has no stack and no tasks", () => {
  const observed = parseObservation("platform\tdarwin-arm64\nmemory\t8000000000\n");
  assert.equal(observed.stack, undefined);
  assert.equal(observed.tasks.size, 0);
  assert.equal(observed.ledgerFormat, 0);
});

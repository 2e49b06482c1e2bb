import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { assertNothingToDo, isSecret, removeSandboxes, Sandbox, type Run, type State } from "./harness";

// What the project relies on from the command provider, official or not. Steps within a group build on each other.

const timeout = 60_000;

after(removeSandboxes);

describe("the life of a command", { timeout }, () => {
  let sandbox: Sandbox;

  before(async () => {
    sandbox = await Sandbox.create();
  });

  const note = (line: string): string => `echo ${line} >> log`;

  const program = (edition: { text: string; trigger: string }) => async (): Promise<void> => {
    const dir = sandbox.dir;
    const first = new local.Command("first", {
      create: note("create-first"),
      update: note("update-first"),
      delete: note("delete-first"),
      stdin: edition.text,
      dir,
    });
    const second = new local.Command(
      "second",
      { create: `cat; ${note("create-second")}`, delete: note("delete-second"), stdin: edition.text, dir },
      { dependsOn: first },
    );
    new local.Command("third", { create: `cat > third; ${note("create-third")}`, stdin: second.stdout, dir }, { dependsOn: first });
    new local.Command("replaced", {
      create: note("create-replaced"),
      update: note("update-replaced"),
      delete: note("delete-replaced"),
      triggers: ["constant", edition.trigger],
      dir,
    });
    new local.Command("idle", { stdin: edition.text });
    const { stdout } = await local.run({ command: "echo ran >> runs; echo from run", dir });
    assert.equal(stdout, "from run");
  };

  const original = { text: "one\ntwo\nthree\n", trigger: "a" };
  const edited = { text: "one\nzwei\nthree\n", trigger: "b" };

  it("runs only functions in a preview, also with inputs that are not known yet", async () => {
    const run = await sandbox.preview(program(original));
    assert.deepEqual(run.steps("third"), ["create"]);
    assert.deepEqual(sandbox.lines("log"), []);
    assert.deepEqual(sandbox.lines("runs"), ["ran"]);
  });

  it("runs create, in the order of dependencies", async () => {
    await sandbox.up(program(original));
    const log = sandbox.lines("log").filter((line) => line !== "create-replaced");
    assert.deepEqual(log, ["create-first", "create-second", "create-third"]);
    assert.deepEqual(sandbox.lines("third"), ["one", "two"]); // one final newline of stdout is cut off
  });

  it("stores its inputs, the default of addPreviousOutputInEnv, and its outputs", async () => {
    const state = await sandbox.state();
    const second = state.get("second");
    assert.equal(second.inputs.addPreviousOutputInEnv, true);
    assert.equal(second.outputs.stdin, original.text);
    assert.equal(second.outputs.stdout, "one\ntwo\nthree");
    assert.equal(second.outputs.stderr, "");
    assert.equal(state.get("idle").outputs.stdout, "");
  });

  it("has nothing to do when nothing changed", async () => {
    const run = await sandbox.preview(program(original));
    assertNothingToDo(run);
  });

  it("sees nothing when refreshed", async () => {
    const known = (await sandbox.state()).get("first");
    const run = await sandbox.refresh();
    assert.deepEqual(run.steps("first"), ["refresh"]);
    const { inputs, outputs } = (await sandbox.state()).get("first");
    assert.deepEqual({ inputs, outputs }, { inputs: known.inputs, outputs: known.outputs });
  });

  it("previews a changed stdin as an update with a line diff, and a changed trigger as a replacement", async () => {
    const logged = sandbox.lines("log");
    const run = await sandbox.preview(program(edited));
    assert.deepEqual(run.steps("first"), ["update"]);
    assert.deepEqual(run.steps("second"), ["update"]);
    assert.deepEqual(run.steps("third"), ["update"]);
    assert.deepEqual(run.changedPaths("second"), ["stdin"]);
    assert.match(run.stdout, /^\s*- two$/m);
    assert.match(run.stdout, /^\s*\+ zwei$/m);
    assert.doesNotMatch(run.stdout, /^\s*[-+] one$/m);
    assert.ok(run.steps("replaced").includes("replace"), run.steps("replaced").join());
    assert.ok(run.changedPaths("replaced").includes("triggers[1]"));
    assert.deepEqual(sandbox.lines("log"), logged);
  });

  it("runs update, or create where there is none, and a replacement's create before its delete", async () => {
    const logged = sandbox.lines("log").length;
    await sandbox.up(program(edited));
    const log = sandbox.lines("log").slice(logged);
    const ofReplaced = log.filter((line) => line.endsWith("replaced"));
    assert.deepEqual(ofReplaced, ["create-replaced", "delete-replaced"]);
    assert.deepEqual(
      log.filter((line) => !ofReplaced.includes(line)),
      ["update-first", "create-second", "create-third"],
    );
    assert.deepEqual(sandbox.lines("third"), ["one", "zwei"]);
  });

  it("runs delete where there is one, dependants first", async () => {
    const logged = sandbox.lines("log").length;
    await sandbox.destroy();
    const log = sandbox.lines("log").slice(logged);
    assert.deepEqual([...log].sort(), ["delete-first", "delete-replaced", "delete-second"]);
    assert.ok(log.indexOf("delete-second") < log.indexOf("delete-first"));
  });
});

describe("the inputs of a command", { timeout }, () => {
  let sandbox: Sandbox;
  let created: Run;
  let state: State;

  const chatty = "echo to-out; echo to-err >&2";
  const echoPrevious = 'echo "[$PULUMI_COMMAND_STDOUT][$PULUMI_COMMAND_STDERR]"';

  const program = (edition: string) => async (): Promise<void> => {
    const dir = sandbox.dir;
    const environment = { EDITION: edition };
    new local.Command("environment", { create: 'echo "$GREETING, $HOME"', environment: { GREETING: "hello" } });
    new local.Command("dir", { create: "pwd", dir });
    new local.Command("interpreter", { create: "a b", interpreter: ["/bin/echo", "-n", "got"] });
    new local.Command("unread", { create: "exec <&-; sleep 0.1", stdin: "x".repeat(1_000_000) });
    for (const logging of ["stdout", "stderr", "stdoutAndStderr", "none"] as const) {
      new local.Command(`logging-${logging}`, { create: chatty, logging });
    }
    new local.Command("logging-default", { create: chatty });
    new local.Command("files", {
      create: "mkdir -p deep && echo 1 > deep/a.txt && echo 2 > b.txt && echo 3 > c.txt && echo 4 > d.json",
      assetPaths: ["*.txt", "!c.*"],
      archivePaths: ["**.txt", "*.{json,yaml}"],
      dir: join(dir, "files"),
    });
    new local.Command("previous", { create: chatty, update: echoPrevious, environment });
    new local.Command("no-previous", {
      create: chatty,
      update: echoPrevious,
      addPreviousOutputInEnv: false,
      environment,
    });
    new local.Command(
      "secret",
      { create: "cat", stdin: pulumi.secret("hush-hush"), logging: "none" },
      { additionalSecretOutputs: ["stdout", "stderr"] },
    );
  };

  before(async () => {
    sandbox = await Sandbox.create();
    mkdirSync(join(sandbox.dir, "files"));
    created = await sandbox.up(program("one"));
    state = await sandbox.state();
  });

  it("environment, dir and interpreter reach the command; unread stdin does no harm", () => {
    const stdout = (name: string): unknown => state.get(name).outputs.stdout;
    assert.equal(stdout("environment"), `hello, ${process.env.HOME ?? ""}`);
    assert.equal(stdout("dir"), realpathSync(sandbox.dir));
    assert.equal(stdout("interpreter"), "got a b");
    assert.equal(stdout("unread"), "");
  });

  it("logging selects what is shown, not what is stored", () => {
    const expected = {
      stdout: ["to-out"],
      stderr: ["to-err"],
      stdoutAndStderr: ["to-err", "to-out"],
      default: ["to-err", "to-out"],
      none: [],
    };
    for (const [logging, lines] of Object.entries(expected)) {
      const name = `logging-${logging}`;
      assert.deepEqual(created.logged(name).sort(), lines, name);
      assert.equal(state.get(name).outputs.stdout, "to-out");
      assert.equal(state.get(name).outputs.stderr, "to-err");
    }
  });

  it("assetPaths and archivePaths find files", () => {
    const { outputs } = state.get("files");
    const assets = outputs.assets as Record<string, { path: string; hash: string }>;
    assert.deepEqual(Object.keys(assets), ["b.txt"]);
    assert.equal(assets["b.txt"]?.path, join(sandbox.dir, "files", "b.txt"));
    assert.equal(assets["b.txt"].hash, "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3");
    const archive = outputs.archive as { assets: Record<string, unknown> };
    assert.deepEqual(Object.keys(archive.assets).sort(), ["b.txt", "c.txt", "d.json", "deep/a.txt"]);
  });

  it("a secret stays one in the state", () => {
    const { inputs, outputs } = state.get("secret");
    assert.ok(isSecret(inputs.stdin));
    assert.ok(isSecret(outputs.stdin));
    assert.ok(isSecret(outputs.stdout));
  });

  it("an update finds the previous output in its environment, unless that is switched off", async () => {
    const run = await sandbox.up(program("two"));
    assert.deepEqual(run.changedPaths("previous"), ["environment.EDITION"]);
    assert.deepEqual(run.steps("secret"), ["same"]);
    const updated = await sandbox.state();
    assert.equal(updated.get("previous").outputs.stdout, "[to-out][to-err]");
    assert.equal(updated.get("no-previous").outputs.stdout, "[][]");
  });
});

import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually, isSecret, isRunning, removeSandboxes, Sandbox, type Run } from "./harness";

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
        new local.Command(
            "third",
            { create: `cat > third; ${note("create-third")}`, stdin: second.stdout, dir },
            { dependsOn: first },
        );
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
        const { steps } = await sandbox.preview(program(original));
        assert.deepEqual(steps.third, ["create"]);
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
        const { second, idle } = await sandbox.state();
        assert.equal(second.inputs.addPreviousOutputInEnv, true);
        assert.equal(second.outputs.stdin, original.text);
        assert.equal(second.outputs.stdout, "one\ntwo\nthree");
        assert.equal(second.outputs.stderr, "");
        assert.equal(idle.outputs.stdout, "");
    });

    it("has nothing to do when nothing changed", async () => {
        const { steps } = await sandbox.preview(program(original));
        assertAllSame(steps);
    });

    it("sees nothing when refreshed", async () => {
        const known = (await sandbox.state()).first;
        const { steps } = await sandbox.refresh();
        assert.deepEqual(steps.first, ["refresh"]);
        const { inputs, outputs } = (await sandbox.state()).first;
        assert.deepEqual({ inputs, outputs }, { inputs: known.inputs, outputs: known.outputs });
    });

    it("previews a changed stdin as an update with a line diff, and a changed trigger as a replacement", async () => {
        const logged = sandbox.lines("log");
        const { steps, changedPaths, stdout } = await sandbox.preview(program(edited));
        assert.deepEqual(steps.first, ["update"]);
        assert.deepEqual(steps.second, ["update"]);
        assert.deepEqual(steps.third, ["update"]);
        assert.deepEqual(changedPaths.second, ["stdin"]);
        assert.match(stdout, /^\s*- two$/m);
        assert.match(stdout, /^\s*\+ zwei$/m);
        assert.doesNotMatch(stdout, /^\s*[-+] one$/m);
        assert.ok(steps.replaced.includes("replace"), steps.replaced.join());
        assert.ok(changedPaths.replaced.includes("triggers[1]"));
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
    });

    it("environment, dir and interpreter reach the command; unread stdin does no harm", async () => {
        const { environment, dir, interpreter, unread } = await sandbox.state();
        assert.equal(environment.outputs.stdout, `hello, ${process.env.HOME ?? ""}`);
        assert.equal(dir.outputs.stdout, realpathSync(sandbox.dir));
        assert.equal(interpreter.outputs.stdout, "got a b");
        assert.equal(unread.outputs.stdout, "");
    });

    it("logging selects what is shown, not what is stored", async () => {
        const state = await sandbox.state();
        const expected = {
            stdout: ["to-out"],
            stderr: ["to-err"],
            stdoutAndStderr: ["to-err", "to-out"],
            default: ["to-err", "to-out"],
            none: [],
        };
        for (const [logging, lines] of Object.entries(expected)) {
            const name = `logging-${logging}`;
            assert.deepEqual([...(created.logged[name] ?? [])].sort(), lines, name);
            assert.equal(state[name].outputs.stdout, "to-out");
            assert.equal(state[name].outputs.stderr, "to-err");
        }
    });

    it("assetPaths and archivePaths find files", async () => {
        const { outputs } = (await sandbox.state()).files;
        const assets = outputs.assets as Record<string, { path: string; hash: string }>;
        assert.deepEqual(Object.keys(assets), ["b.txt"]);
        assert.equal(assets["b.txt"].path, join(sandbox.dir, "files", "b.txt"));
        assert.equal(assets["b.txt"].hash, "53c234e5e8472b6ac51c1ae1cab3fe06fad053beb8ebfd8977b010655bfdd3c3");
        const archive = outputs.archive as { assets: Record<string, unknown> };
        assert.deepEqual(Object.keys(archive.assets).sort(), ["b.txt", "c.txt", "d.json", "deep/a.txt"]);
    });

    it("a secret stays one in the state", async () => {
        const { inputs, outputs } = (await sandbox.state()).secret;
        assert.ok(isSecret(inputs.stdin));
        assert.ok(isSecret(outputs.stdin));
        assert.ok(isSecret(outputs.stdout));
    });

    it("an update finds the previous output in its environment, unless that is switched off", async () => {
        const { changedPaths, steps } = await sandbox.up(program("two"));
        assert.deepEqual(changedPaths.previous, ["environment.EDITION"]);
        assert.deepEqual(steps.secret, ["same"]);
        const state = await sandbox.state();
        assert.equal(state.previous.outputs.stdout, "[to-out][to-err]");
        assert.equal(state["no-previous"].outputs.stdout, "[][]");
    });
});

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
        assert.equal((await sandbox.state()).failing, undefined);
    });

    it("converges once it succeeds", async () => {
        const { steps } = await sandbox.up(program("first", 0));
        assert.deepEqual(steps.failing, ["create"]);
    });

    it("leaves the old state when an update fails, so that the next one converges", async () => {
        const known = (await sandbox.state()).failing;
        await assert.rejects(sandbox.up(program("second", 4)), /exit status 4/);
        assert.deepEqual((await sandbox.state()).failing.outputs, known.outputs);
        const { steps } = await sandbox.up(program("second", 0));
        assert.deepEqual(steps.failing, ["update"]);
        assert.equal((await sandbox.state()).failing.outputs.stdin, "second");
        assertAllSame((await sandbox.preview(program("second", 0))).steps);
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

function assertAllSame(steps: Run["steps"]): void {
    for (const [name, ops] of Object.entries(steps)) {
        assert.deepEqual(ops, ["same"], name);
    }
}

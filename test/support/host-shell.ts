import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ArtifactName, pinnedVersions } from "../../config/pins";
import { observeProgram } from "../../hosts/observe";
import { scriptsInstaller } from "../../hosts/scripts";
import { LEDGER_FORMAT } from "../../hosts/task";
import { platform } from "../../setup/paths";
import { artifactTask } from "../../tasks/artifact";
import { removeDirectory, temporaryDirectory } from "./temporary";

/** A shell and the utilities it finds. */
export interface Userland {
  readonly name: string;
  /** Command line of the shell. */
  readonly shell: readonly [string, ...string[]];
  /** PATH of the scripts; undefined: the machine's own. */
  readonly path: string | undefined;
}

const BUSYBOX_PATH = temporaryDirectory();
const busybox = spawnSync("busybox", ["--install", "-s", BUSYBOX_PATH], { encoding: "utf8" });
// Prerequisites of every host, which BusyBox is not expected to bring. Python by its own path: what is on PATH may be a wrapper in bash.
const output = (command: string) => spawnSync("sh", ["-c", command], { encoding: "utf8" }).stdout.trim();
for (const [tool, executable] of [
  ["curl", output("command -v curl")],
  ["python3", output("python3 -c 'import sys; print(sys.executable)'")],
] as const) {
  writeFileSync(join(BUSYBOX_PATH, tool), `#!/bin/sh\nexec ${executable} "$@"\n`, { mode: 0o755 });
}
process.on("exit", () => removeDirectory(BUSYBOX_PATH));

/** Why BusyBox is not there, or undefined. In CI it is an error, elsewhere the suite says so. */
export const BUSYBOX_MISSING =
  busybox.error === undefined ? undefined : "busybox is not installed (apt install busybox, brew install busybox)";
if (BUSYBOX_MISSING !== undefined && process.env["CI"] === "true") throw new Error(BUSYBOX_MISSING);

/** Each shell on each userland that the scripts must run on. */
export const USERLANDS: readonly Userland[] = [
  { name: "dash with the machine's utilities", shell: ["dash"], path: undefined },
  { name: "bash with the machine's utilities", shell: ["bash", "--posix"], path: undefined },
  ...(BUSYBOX_MISSING === undefined
    ? [
        { name: "ash with BusyBox", shell: ["busybox", "ash"] as const, path: BUSYBOX_PATH },
        { name: "dash with BusyBox", shell: ["dash"] as const, path: BUSYBOX_PATH },
      ]
    : []),
];

/** Verbs of the launcher. */
export type Verb = "apply" | "differences" | "refusals" | "refusals_of_removal" | "remove";

/** What a script did. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host for script tests: a prefix in a temporary directory with our scripts installed. */
export class HostShell {
  readonly directory = temporaryDirectory();
  readonly prefix = join(this.directory, "p");
  /** The user's configuration directory, as far as scripts see it. */
  readonly configHome = join(this.directory, "config");
  /** Programs that only scripts on this host find, before all others. */
  readonly programs = join(this.directory, "programs");
  readonly #userland: Userland;

  constructor(userland: Userland) {
    this.#userland = userland;
    mkdirSync(this.prefix);
    const installed = this.installScripts("apply");
    if (installed.status !== 0) throw new Error(installed.stderr);
  }

  /** Installs or removes the scripts as the scripts task does. */
  installScripts(verb: "apply" | "remove"): Outcome {
    return this.#run(["-s", "--", verb], scriptsInstaller({ PREFIX: this.prefix, RESOURCE: "test-scripts", STACK: "messaging/test" }));
  }

  /** Runs a task as the engine does. @param inputs of the task, TASK first */
  task(verb: Verb, task: string, inputs: Record<string, string>, body = ""): Outcome {
    return this.#run([this.#launcher, verb], this.#inputs(task, inputs, body));
  }

  /** Installs a pinned artefact. @throws Error with what the task said when it fails */
  installArtifact(name: ArtifactName, link: boolean, version: string = pinnedVersions(name)[0]): void {
    const { inputs, body } = artifactTask({ task: name, name, version, link }, platform());
    const { status, stderr } = this.task("apply", "artifact", { RESOURCE: `test-${name}`, ...(inputs as Record<string, string>) }, body);
    if (status !== 0) throw new Error(stderr);
  }

  /** Starts a task and does not wait for it. */
  start(verb: Verb, task: string, inputs: Record<string, string>, body = ""): ChildProcess {
    const [command, ...args] = this.#commandLine([this.#launcher, verb]);
    const child = spawn(command, args, { env: this.#environment(), stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.end(this.#inputs(task, inputs, body));
    return child;
  }

  /** Observes the host as a preview does. */
  observe(ports: readonly number[] = []): Outcome {
    return this.send(observeProgram({}), this.prefix, "messaging/test", ...ports.map(String));
  }

  /** Runs a program that the host does not have. */
  send(program: string, ...args: readonly string[]): Outcome {
    return this.#run(["-s", "--", ...args], program);
  }

  /** Removes everything. */
  dispose(): void {
    removeDirectory(this.directory);
  }

  #run(args: readonly string[], input: string): Outcome {
    const [command, ...rest] = this.#commandLine(args);
    return spawnSync(command, rest, { input, encoding: "utf8", timeout: 120_000, env: this.#environment() });
  }

  get #launcher(): string {
    return join(this.prefix, "opt/messaging/task.sh");
  }

  #inputs(task: string, inputs: Record<string, string>, body: string): string {
    const all = {
      TASK: task,
      RESOURCE: `test-${task}`,
      STACK: "messaging/test",
      PREFIX: this.prefix,
      FORMAT: String(LEDGER_FORMAT),
      ...inputs,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key}=${value}\n`);
    return `${lines.join("")}\n${body}`;
  }

  #commandLine(args: readonly string[]): [string, ...string[]] {
    const [shell, ...shellArgs] = this.#userland.shell;
    return [output(`command -v ${shell}`), ...shellArgs, ...args];
  }

  #environment(): NodeJS.ProcessEnv {
    const environment = this.#userland.path === undefined ? process.env : { HOME: process.env["HOME"], PATH: this.#userland.path };
    // What a task writes into the user's configuration, or leaves when it is killed, lands in the temporary directory.
    const path = `${this.programs}:${environment["PATH"] ?? ""}`;
    return { ...environment, PATH: path, XDG_CONFIG_HOME: this.configHome, TMPDIR: this.directory };
  }
}

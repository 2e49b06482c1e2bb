import { LocalWorkspace, type EngineEvent, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What one run of the engine did. Questions about a resource that it did nothing with are answered by an empty list. */
export interface Run {
  /** What the engine printed. */
  readonly stdout: string;
  /** The names of the resources that there was a step for, be it only "same". */
  readonly names: () => string[];
  /** The steps of a resource, in order. */
  readonly steps: (name: string) => string[];
  /** The paths of a resource's properties that changed. */
  readonly changedPaths: (name: string) => string[];
  /** The lines that a resource's commands printed while they ran. */
  readonly logged: (name: string) => string[];
}

/** A resource as it is in the stack's state. */
export interface StoredResource {
  readonly urn: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The resources that a stack has. */
export class State {
  constructor(private readonly resources: readonly StoredResource[]) {}

  /** True if there is a resource of this name. */
  has(name: string): boolean {
    return this.resources.some(({ urn }) => nameOf(urn) === name);
  }

  /** The resource of this name; throws if there is none. */
  get(name: string): StoredResource {
    const found = this.resources.find(({ urn }) => nameOf(urn) === name);
    if (!found) {
      throw new Error(`no resource ${name} in the state`);
    }
    return found;
  }
}

/** What a test may watch or interrupt while the engine runs. */
export interface Watch {
  onLine?: (line: string) => void;
  signal?: AbortSignal | undefined;
}

const sandboxes: string[] = [];

/** A stack of its own in a new temporary folder, driven by the real engine. */
export class Sandbox {
  /** A new folder for what the commands of this stack write. */
  readonly dir: string;

  private constructor(
    private readonly root: string,
    private readonly stack: Stack,
  ) {
    this.dir = join(root, "work");
    mkdirSync(this.dir);
  }

  /** Creates an empty stack. The engine and the plugin are those of PATH and PULUMI_HOME. */
  static async create(): Promise<Sandbox> {
    const root = mkdtempSync(join(tmpdir(), "command-contract-"));
    sandboxes.push(root);
    const stack = await LocalWorkspace.createStack(
      { stackName: "test", projectName: "contract", program: async () => undefined },
      {
        workDir: root,
        ...(process.env.PULUMI_HOME && { pulumiHome: process.env.PULUMI_HOME }),
        envVars: {
          PULUMI_BACKEND_URL: `file://${root}`,
          PULUMI_CONFIG_PASSPHRASE: "contract",
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: "true",
        },
      },
    );
    return new Sandbox(root, stack);
  }

  /** Applies a program. */
  up(program: PulumiFn, watch: Watch = {}): Promise<Run> {
    return record((onEvent) =>
      this.stack.up({
        program,
        color: "never",
        showSecrets: false,
        ...(watch.signal && { signal: watch.signal }),
        onEvent: tee(onEvent, watch.onLine),
      }),
    );
  }

  /** Previews a program, with its diff. */
  preview(program: PulumiFn): Promise<Run> {
    return record((onEvent) => this.stack.preview({ program, diff: true, color: "never", onEvent }));
  }

  /** Refreshes the state. */
  refresh(): Promise<Run> {
    return record((onEvent) => this.stack.refresh({ color: "never", showSecrets: false, onEvent }));
  }

  /** Destroys everything. */
  destroy(): Promise<Run> {
    return record((onEvent) => this.stack.destroy({ color: "never", showSecrets: false, onEvent }));
  }

  /** Reads the state. */
  async state(): Promise<State> {
    const { deployment } = (await this.stack.exportStack()) as { deployment: { resources?: StoredResource[] } };
    return new State(deployment.resources ?? []);
  }

  /** The lines of a file in {@link dir}; none if there is no such file. */
  lines(file: string): string[] {
    try {
      return readFileSync(join(this.dir, file), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }
}

/** Removes the folders of all sandboxes of this file. */
export function removeSandboxes(): void {
  for (const root of sandboxes.splice(0)) {
    rmSync(root, { recursive: true, force: true });
  }
}

/** True for a value that the state holds as a secret. */
export function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && ("ciphertext" in value || "plaintext" in value);
}

/** Asserts that a run found every resource as it should be. */
export function assertNothingToDo(run: Run): void {
  for (const name of run.names()) {
    assert.deepEqual(run.steps(name), ["same"], name);
  }
}

/** Waits until a condition holds; throws, naming it, if it does not within `seconds`. */
export async function eventually(what: string, condition: () => boolean, seconds = 10): Promise<void> {
  const giveUpAt = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > giveUpAt) {
      throw new Error(`not within ${seconds} s: ${what}`);
    }
    await sleep(25);
  }
}

/** True while there is a process with this id. One that is dead but not yet collected by its parent does not count. */
export function isRunning(pid: string | undefined): boolean {
  if (!pid) {
    throw new Error("no process id to look for");
  }
  const status = spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
  return status !== "" && !status.startsWith("Z");
}

async function record(operation: (onEvent: (event: EngineEvent) => void) => Promise<{ stdout: string }>): Promise<Run> {
  const steps = new Map<string, string[]>();
  const changedPaths = new Map<string, string[]>();
  const logged = new Map<string, string[]>();
  const { stdout } = await operation(({ resourcePreEvent, diagnosticEvent }) => {
    if (resourcePreEvent) {
      const { urn, op, detailedDiff } = resourcePreEvent.metadata;
      append(steps, urn, [op]);
      append(changedPaths, urn, Object.keys(detailedDiff ?? {}));
    }
    if (diagnosticEvent?.urn && diagnosticEvent.severity === "info") {
      append(logged, diagnosticEvent.urn, [diagnosticEvent.message.trim()]);
    }
  });
  return {
    stdout,
    names: () => [...steps.keys()],
    steps: (name) => steps.get(name) ?? [],
    changedPaths: (name) => changedPaths.get(name) ?? [],
    logged: (name) => logged.get(name) ?? [],
  };
}

function append(lists: Map<string, string[]>, urn: string, items: string[]): void {
  lists.set(nameOf(urn), [...(lists.get(nameOf(urn)) ?? []), ...items]);
}

function tee(onEvent: (event: EngineEvent) => void, onLine?: (line: string) => void): (event: EngineEvent) => void {
  return (event) => {
    onEvent(event);
    if (event.diagnosticEvent) {
      onLine?.(event.diagnosticEvent.message.trim());
    }
  };
}

function nameOf(urn: string): string {
  return urn.split("::").pop() ?? urn;
}

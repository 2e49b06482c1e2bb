import { LocalWorkspace, type EngineEvent, type PulumiFn, type Stack } from "@pulumi/pulumi/automation";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What one run of the engine did. */
export interface Run {
    /** What it printed. */
    readonly stdout: string;
    /** The steps by resource name, in order; "same" for what did not change. */
    readonly steps: Readonly<Record<string, readonly string[]>>;
    /** The paths of changed properties by resource name. */
    readonly changedPaths: Readonly<Record<string, readonly string[]>>;
    /** The lines that commands printed while they ran, by resource name. */
    readonly logged: Readonly<Record<string, readonly string[]>>;
}

/** A resource as it is in the stack's state. */
export interface StoredResource {
    readonly urn: string;
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly outputs: Readonly<Record<string, unknown>>;
}

/** What a test may watch or interrupt while the engine runs. */
export interface Watch {
    onLine?: (line: string) => void;
    signal?: AbortSignal;
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
                pulumiHome: process.env.PULUMI_HOME,
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
            this.stack.up({ program, color: "never", signal: watch.signal, onEvent: tee(onEvent, watch.onLine) }),
        );
    }

    /** Previews a program, with its diff. */
    preview(program: PulumiFn): Promise<Run> {
        return record((onEvent) => this.stack.preview({ program, diff: true, color: "never", onEvent }));
    }

    /** Refreshes the state. */
    refresh(): Promise<Run> {
        return record((onEvent) => this.stack.refresh({ color: "never", onEvent }));
    }

    /** Destroys everything. */
    destroy(): Promise<Run> {
        return record((onEvent) => this.stack.destroy({ color: "never", onEvent }));
    }

    /** The resources in the state, by name. */
    async state(): Promise<Record<string, StoredResource>> {
        const { deployment } = (await this.stack.exportStack()) as { deployment: { resources?: StoredResource[] } };
        return Object.fromEntries((deployment.resources ?? []).map((it) => [nameOf(it.urn), it]));
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

/** True while there is a process with this id. */
export function isRunning(pid: string | undefined): boolean {
    if (!pid) {
        throw new Error("no process id to look for");
    }
    try {
        process.kill(Number(pid), 0);
        return true;
    } catch {
        return false;
    }
}

async function record(operation: (onEvent: (event: EngineEvent) => void) => Promise<{ stdout: string }>): Promise<Run> {
    const steps: Record<string, string[]> = {};
    const changedPaths: Record<string, string[]> = {};
    const logged: Record<string, string[]> = {};
    const { stdout } = await operation(({ resourcePreEvent, diagnosticEvent }) => {
        if (resourcePreEvent) {
            const { urn, op, detailedDiff } = resourcePreEvent.metadata;
            (steps[nameOf(urn)] ??= []).push(op);
            (changedPaths[nameOf(urn)] ??= []).push(...Object.keys(detailedDiff ?? {}));
        }
        if (diagnosticEvent?.urn && diagnosticEvent.severity === "info") {
            (logged[nameOf(diagnosticEvent.urn)] ??= []).push(diagnosticEvent.message.trim());
        }
    });
    return { stdout, steps, changedPaths, logged };
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

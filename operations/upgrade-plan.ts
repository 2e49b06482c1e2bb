import { parseDocument } from "yaml";
import type { ComponentName } from "../config/hosts";
import { ledgerProgram, scriptText } from "../hosts/scripts";

/** One step of `pulumi preview --json`, as far as it is read here. */
export interface Step {
  readonly urn: string;
  readonly newState?: { readonly parent?: string; readonly inputs: { readonly stdin?: string } };
}

/** What a rehearsal applies on a host. */
export interface UpgradePlan {
  /** Installs the scripts. */
  readonly scripts: string;
  /** Inputs of each task, in order. */
  readonly tasks: readonly string[];
}

/**
 * The tasks of components of a host, changed or not, in the order in which an up would apply them.
 * @param key of the host
 * @throws Error when the preview has no such host
 */
export function upgradePlan(steps: readonly Step[], key: string, components: readonly ComponentName[]): UpgradePlan {
  const inputs = (step: Step) => step.newState?.inputs.stdin;
  const scripts = steps.filter(({ urn }) => urn.endsWith(`:Command::${key}-scripts`)).map(inputs)[0];
  if (scripts === undefined) throw new Error(`the preview has no host ${key}`);
  const parents = components.map((name) => `::${key}-${name}`);
  const tasks = steps
    .filter(({ newState }) => parents.some((parent) => newState?.parent?.endsWith(parent) === true))
    .flatMap((step) => inputs(step) ?? [])
    // It belongs to the user, not to the server.
    .filter((text) => taskInput(text, "TASK") !== "nats-context");
  return { scripts, tasks };
}

/** What a rehearsal is about. */
export interface RehearsalArgs {
  readonly prefix: string;
  /** Project and stack, the key of the ledger. */
  readonly stack: string;
  /** That take part, by their names in scripts/products. */
  readonly products: readonly string[];
  /** What the new version takes on disk. */
  readonly installBytes: number;
  /** What the services that take part are planned with. */
  readonly memoryBytes: number;
}

/** The shell program of a rehearsal: scripts/rehearse.sh with what runs inside and each task as a here-document. */
export function rehearsalProgram(
  { scripts, tasks }: UpgradePlan,
  { prefix, stack, products, installBytes, memoryBytes }: RehearsalArgs,
): string {
  const files = {
    "inside.sh": scriptText("rehearsal-inside.sh"),
    "ledger.sh": scriptText("ledger.sh"),
    "rehearsal-data.sh": scriptText("rehearsal-data.sh"),
    scripts,
    ...Object.fromEntries(tasks.map((task, index) => [`task-${String(index).padStart(3, "0")}`, task])),
  };
  const puts = Object.entries(files).map(([name, text]) => `put ${name} <<'END OF ${name}'\n${text.replace(/\n?$/, "\n")}END OF ${name}\n`);
  const inputs = { PRODUCTS: products.join(" "), INSTALL_BYTES: installBytes, MEMORY_BYTES: memoryBytes };
  return [ledgerProgram("rehearse.sh", prefix, stack, inputs), scriptText("rehearsal-data.sh"), ...puts, "rehearse\n"].join("");
}

/** One of a task's inputs, or undefined. @param text what its launcher reads */
export function taskInput(text: string, key: string): string | undefined {
  const head = text.split("\n\n", 1)[0] ?? "";
  return head
    .split("\n")
    .find((line) => line.startsWith(`${key}=`))
    ?.slice(key.length + 1);
}

/**
 * Settings with another version of a component, which is a pinned one: what the user chose instead goes.
 * @param settings text of the stack's settings
 * @throws Error when they have no such component
 */
export function settingsWithVersion(settings: string, component: ComponentName, version: string): string {
  const document = parseDocument(settings);
  const path = ["config", `messaging:${component}`];
  const given: unknown = document.getIn(path);
  if (given === undefined || given === null) throw new Error(`the settings have no messaging:${component}`);
  // An object may also be written as JSON in a string, which is how `pulumi config set` writes it.
  if (typeof given === "string") document.setIn(path, document.createNode(JSON.parse(given)));
  document.setIn([...path, "version"], version);
  // Pulsar's is an archive of one version; that of others says who brings them.
  if (component === "pulsar") document.deleteIn([...path, "source"]);
  return document.toString();
}

/** Is a version earlier than another? Both are numbers with dots, a build number after a dash. */
export function isEarlier(version: string, other: string): boolean {
  const [left, right] = [version, other].map((text) => text.split(/[.-]/).map(Number)) as [number[], number[]];
  const first = left.findIndex((number, index) => number !== (right[index] ?? 0));
  return first !== -1 && (left[first] ?? 0) < (right[first] ?? 0);
}

import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Layout } from "./layout";
import type { Observation } from "./observe";
import { digest, scriptsInstaller } from "./scripts";
import { resourceName, stackKey, taskInputs, type TaskText } from "./task";

/** A step to declare. */
export interface TaskSpec extends TaskText {
  /** Tasks that come first, and whose drift concerns this one too. */
  readonly after: readonly Task[];
}

/** A declared task. */
export interface Task {
  readonly resource: pulumi.Resource;
  /** Digest of everything the task does; a dependant that takes it as an input follows each change. */
  readonly digest: string;
  /** Does the host differ from what was last applied, in this task or in one it depends on? */
  readonly drifted: boolean;
}

/** What a host is made of. */
export interface HostArgs {
  /** Key in `messaging:hosts`, the first part of every resource name. */
  readonly key: string;
  readonly layout: Layout;
  readonly observation: Observation;
  readonly budget: Budget;
}

/** What policies compare plans with. */
export interface Budget {
  /** What all components together may be planned with. */
  readonly ramBudgetBytes: number;
  /** What is left to the system and to the models beside them. */
  readonly ramReserveBytes: number;
}

interface CommandArgs {
  /** Command line that takes a verb and reads the inputs; short and stable, because an ignored input keeps its old value. */
  readonly call: string;
  readonly stdin: string;
  readonly parent: pulumi.Resource;
  readonly dependsOn: pulumi.Resource[];
  /** Did a task drift that comes before this one? */
  readonly concerned: boolean;
}

/** A machine that carries components. It brings the scripts that tasks run and turns each task into one resource. */
export class Host extends pulumi.ComponentResource {
  readonly key: string;
  readonly layout: Layout;
  readonly platform: string;
  readonly #observation: Observation;
  readonly #scripts: Task;

  constructor(args: HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("messaging:index:Host", args.key, {}, options);
    this.key = args.key;
    this.layout = args.layout;
    this.platform = args.observation.platform;
    this.#observation = args.observation;
    this.#scripts = this.#declareScripts();
    const { observed, memoryBytes, fileSystems, user } = args.observation;
    this.registerOutputs({ ...args.budget, ...(observed ? { memoryOfHostBytes: memoryBytes, fileSystems, servicesRunAs: user } : {}) });
  }

  /**
   * Declares a task as one diffable resource.
   * @param parent the component it belongs to
   */
  run(parent: pulumi.Resource, spec: TaskSpec): Task {
    const name = resourceName(this.key, spec);
    const stdin = taskInputs(this.key, this.layout.prefix, spec);
    const dependsOn = [this.#scripts, ...spec.after].map((task) => task.resource);
    const concerned = spec.after.some((task) => task.drifted);
    return this.#declare(name, { call: this.layout.launcher, stdin, parent, dependsOn, concerned });
  }

  #declareScripts(): Task {
    const name = resourceName(this.key, { name: "scripts" });
    const stdin = scriptsInstaller({ PREFIX: this.layout.prefix, RESOURCE: name, STACK: stackKey() });
    return this.#declare(name, { call: "sh -s --", stdin, parent: this, dependsOn: [], concerned: false });
  }

  #declare(name: string, args: CommandArgs): Task {
    const found = this.#drift(name, args.concerned);
    const update = found ?? this.#outdated(name);
    const apply = `${args.call} apply`;
    const resource = new command.local.Command(
      name,
      {
        create: apply,
        update: update === undefined ? apply : `${apply}\n${update}`,
        delete: `${args.call} remove`,
        stdin: args.stdin,
        addPreviousOutputInEnv: false,
      },
      {
        parent: args.parent,
        dependsOn: args.dependsOn,
        // `update` is where drift shows; without drift its old text is no change. (Command has no Read: pulumi-command issue 432.)
        ...(update === undefined ? { ignoreChanges: ["update"] } : {}),
      },
    );
    return { resource, digest: digest(args.stdin), drifted: found !== undefined };
  }

  /** The drift of a task as shell comments, or undefined. A time makes each occurrence another text than the last. */
  #drift(name: string, concerned: boolean): string | undefined {
    if (!this.#observation.observed) return undefined;
    const observed = this.#observation.tasks.get(name);
    if (observed === undefined) return `# not in the ledger of this host at ${this.#observation.time}`;
    if (observed.differences.length > 0) {
      return [`drift; last applied ${observed.applied}`, ...observed.differences].map((line) => `# ${line}`).join("\n");
    }
    return concerned ? `# a task before it drifted; last applied ${observed.applied}` : undefined;
  }

  /** A shell comment for a task whose ledger entry only has to be written anew, which concerns no other task, or undefined. */
  #outdated(name: string): string | undefined {
    const observed = this.#observation.tasks.get(name);
    return observed?.outdated === true ? `# in the ledger in an earlier format; last applied ${observed.applied}` : undefined;
  }
}

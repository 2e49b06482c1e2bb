import { existsSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { dockerOf, type HostConfig } from "../config/hosts";
import type { HostFacts } from "./last-known";
import type { Layout } from "./layout";
import type { ObservedTask, Observation } from "./observe";
import { digest, scriptsInstaller } from "./scripts";
import { capsMemory, type ServiceManager } from "./services";
import { DockerEngine } from "./docker";
import { engineAccess, resourceConnection } from "./ssh";
import { resourceName, stackKey, taskInputs, type TaskText } from "./task";

/** A step to declare. */
export interface TaskSpec extends TaskText {
  /** Inputs and a body that only the engine knows. When the body is a secret, a preview shows none of the inputs; dependants follow its fingerprint. */
  readonly late?: pulumi.Input<Pick<Partial<TaskText>, "inputs" | "body">>;
  /** Tasks that come first, and whose drift concerns this one too. */
  readonly after: readonly Task[];
}

/** What a task follows besides its inputs, by the name of an input: digests and fingerprints that only the engine knows. */
export type Follows = Readonly<Record<string, pulumi.Output<string>>>;

/** Late inputs of a task that follows something; none when it follows nothing. */
export function following(follows: Follows | undefined): Pick<TaskSpec, "late"> {
  if (follows === undefined || Object.keys(follows).length === 0) return {};
  return { late: pulumi.all(follows).apply((inputs) => ({ inputs })) };
}

/** The address on which only the host itself reaches its services. */
export const LOOPBACK = "127.0.0.1";

/** Where services find each other. */
export interface Peers {
  /** The name under which one service reaches another of the host: loopback, or in containers a name of the network. */
  readonly peer: (service: string) => string;
}

/** A declared task. */
export interface Task {
  readonly resource: pulumi.Resource;
  /** Digest of everything the task does, except what is known late; a dependant that takes it as an input follows each change. */
  readonly digest: string;
  /** Does the host differ from what was last applied, in this task or in one it depends on? */
  readonly drifted: boolean;
}

/** What a host is made of. */
export interface HostArgs {
  /** Key in `messaging:hosts`, the first part of every resource name. */
  readonly key: string;
  readonly config: HostConfig;
  readonly layout: Layout;
  readonly observation: Observation;
  readonly budget: Budget;
  readonly services: ServiceManager;
  /** It does not answer: its tasks are declared and left as they are. */
  readonly gone?: boolean;
}

/** What policies compare plans with. */
export interface Budget {
  /** What all components together may be planned with. */
  readonly ramBudgetBytes: number;
  /** What is left to the system and to the models beside them. */
  readonly ramReserveBytes: number;
}

/** A file of the driver that a host takes. */
export interface CopySpec {
  /** Resource name without the host key of the task that uses it. */
  readonly task: string;
  readonly version: string;
  /** Absolute path on the driver; it is read only when the host needs it. */
  readonly file: string;
  /** Absolute path on the host. */
  readonly remotePath: string;
}

interface CommandArgs {
  /** Command line that takes a verb and reads the inputs; short and stable, because an ignored input keeps its old value. */
  readonly call: string;
  readonly stdin: pulumi.Input<string>;
  readonly digest: string;
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
  readonly services: ServiceManager;
  /** `cgroup` where the system enforces the caps of memory, else `runtime`. */
  readonly enforcement: "cgroup" | "runtime";
  /** What runs the services as containers; undefined on every other host. */
  readonly docker: DockerEngine | undefined;
  readonly #args: HostArgs;
  readonly #observation: Observation;
  readonly #copied: Record<string, string> = {};
  readonly #scripts: Task;

  constructor(args: HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("messaging:index:Host", args.key, {}, options);
    this.key = args.key;
    this.layout = args.layout;
    this.platform = args.observation.platform;
    this.services = args.services;
    this.enforcement = capsMemory(args.services, args.observation) ? "cgroup" : "runtime";
    this.#args = args;
    this.#observation = args.observation;
    this.#scripts = this.#declareScripts();
    this.docker = args.services === "docker" ? this.#engine() : undefined;
    const { observed, memoryBytes, fileSystems, user } = args.observation;
    this.registerOutputs({
      ...args.budget,
      ...(observed
        ? {
            memoryOfHostBytes: memoryBytes,
            fileSystems,
            servicesRunAs: args.services === "systemd" || this.docker?.ownUser === true ? "users of their own" : user,
          }
        : {}),
    });
  }

  /**
   * Declares a task as one diffable resource.
   * @param parent the component it belongs to
   */
  run(parent: pulumi.Resource, spec: TaskSpec): Task {
    const name = resourceName(this.key, spec);
    const plain = taskInputs(this.key, this.layout.prefix, spec);
    const stdin =
      spec.late === undefined
        ? plain
        : pulumi.output(spec.late).apply(({ inputs, body }) => {
            const text = body ?? spec.body;
            const whole = { ...spec, inputs: { ...spec.inputs, ...inputs }, ...(text === undefined ? {} : { body: text }) };
            return taskInputs(this.key, this.layout.prefix, whole);
          });
    const dependsOn = [this.#scripts, ...spec.after].map((task) => task.resource);
    const concerned = spec.after.some((task) => task.drifted);
    return this.#declare(name, { call: this.#asUser(this.layout.launcher), stdin, digest: digest(plain), parent, dependsOn, concerned });
  }

  /** May servers that were set up without this stack be taken over? */
  get adopts(): boolean {
    return this.#args.config.adopt === true;
  }

  /** Is it another machine than the one that runs the program? */
  get remote(): boolean {
    return this.#args.config.connection === "ssh";
  }

  /** What the next up may need to know when the host does not answer. */
  get facts(): HostFacts {
    const { config, observation, services } = this.#args;
    const address = config.connection === "local" ? undefined : `${config.host}:${config.port}`;
    return { platform: observation.platform, services, home: observation.home, address, copied: this.#copied };
  }

  /**
   * Does an artefact come from the driver? Decided when it is first installed: where the host cannot reach its source. It stays so, because what is declared
   * must not come and go with a network.
   * @param task resource name without the host key
   * @param downloadable has it a source that a host can fetch it from?
   */
  copies(task: string, downloadable: boolean): boolean {
    if (this.#args.config.connection === "local") return false;
    const known = this.#task(task);
    if (known !== undefined) return known.copied !== undefined;
    return !downloadable || !(this.#observation.reaches ?? this.#task("gojq")?.copied === undefined);
  }

  /** Where a copied file arrives: in the home of the user that logs in, whom SFTP writes as. */
  arrival(file: string): string {
    return `${this.#observation.home}/.messaging-${file}`;
  }

  /** Declares the copy of a file that a task of this host takes. While that task is as it was applied nothing is read or copied, whatever became of the file. */
  copy(parent: pulumi.Resource, spec: CopySpec): Task {
    const { config } = this.#args;
    if (config.connection === "local") throw new Error("nothing is copied to this very machine");
    const name = `${resourceName(this.key, { name: spec.task })}-copy`;
    const known = this.#task(spec.task);
    const inPlace = this.#args.gone === true || (known?.copied === spec.version && known.differences.length === 0);
    this.#copied[resourceName(this.key, { name: spec.task })] = spec.version;
    const resource = new command.remote.CopyToRemote(
      name,
      {
        connection: resourceConnection(config),
        remotePath: spec.remotePath,
        source: inPlace ? new pulumi.asset.StringAsset("in place") : fileToCopy(spec.file),
        // The task that installs the file removes it, so the same file may have to come again.
        triggers: [this.#observation.time],
      },
      {
        parent,
        ...(inPlace ? { ignoreChanges: this.#untouched(["source", "triggers"]) } : {}),
      },
    );
    return { resource, digest: digest(spec.version), drifted: false };
  }

  /** The address on which services listen: loopback, or where containers are alone with each other every one of theirs. */
  get listenAddress(): string {
    return this.docker === undefined ? LOOPBACK : "0.0.0.0";
  }

  /** The name under which one service reaches another of the host. */
  peer(service: string): string {
    return this.docker === undefined ? LOOPBACK : service;
  }

  #engine(): DockerEngine {
    const { config, key, observation } = this.#args;
    const lines = [...observation.tasks.values()].flatMap(({ differences }) => differences);
    return new DockerEngine(this, {
      ...dockerOf(config),
      access: engineAccess(config, dockerOf(config)),
      name: `${stackKey().replace("/", "-")}-${key}`,
      key,
      userId: observation.userId,
      time: observation.time,
      missing: (what) => lines.some((line) => line.startsWith("found: ") && line.endsWith(` ${what} absent`)),
    });
  }

  #task(task: string): ObservedTask | undefined {
    return this.#observation.tasks.get(resourceName(this.key, { name: task }));
  }

  /** Inputs whose old values are kept; all of them on a host that is gone. */
  #untouched(inputs: readonly string[]): string[] {
    const all = ["connection", "create", "update", "delete", "stdin", "source", "remotePath", "triggers"];
    return this.#args.gone === true ? all : [...inputs];
  }

  #declareScripts(): Task {
    const name = resourceName(this.key, { name: "scripts" });
    const stdin = scriptsInstaller({ PREFIX: this.layout.prefix, RESOURCE: name, STACK: stackKey() });
    return this.#declare(name, {
      call: this.#asUser("sh -s --"),
      stdin,
      digest: digest(stdin),
      parent: this,
      dependsOn: [],
      concerned: false,
    });
  }

  /** The call as the user that tasks run as. */
  #asUser(call: string): string {
    const { config } = this.#args;
    return config.connection === "ssh" && config.become === "sudo" ? `sudo -n ${call}` : call;
  }

  #declare(name: string, args: CommandArgs): Task {
    const { config, gone } = this.#args;
    const found = gone === true ? undefined : this.#drift(name, args.concerned);
    const update = gone === true ? undefined : (found ?? this.#outdated(name));
    const apply = `${args.call} apply`;
    const inputs = {
      create: apply,
      update: update === undefined ? apply : `${apply}\n${update}`,
      delete: `${args.call} remove`,
      stdin: args.stdin,
      addPreviousOutputInEnv: false,
    };
    const options = {
      parent: args.parent,
      dependsOn: args.dependsOn,
      // `update` is where drift shows; without drift its old text is no change. (Command has no Read: pulumi-command issue 432.)
      ...(update === undefined ? { ignoreChanges: this.#untouched(["update"]) } : {}),
    };
    const resource =
      config.connection === "local"
        ? new command.local.Command(name, inputs, options)
        : new command.remote.Command(name, { ...inputs, connection: resourceConnection(config) }, options);
    return { resource, digest: args.digest, drifted: found !== undefined };
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

/** @throws Error when the file is not there, except in a preview, which needs none */
function fileToCopy(file: string): pulumi.asset.Asset {
  if (existsSync(file)) return new pulumi.asset.FileAsset(file);
  if (pulumi.runtime.isDryRun()) return new pulumi.asset.StringAsset("fetched by the next up");
  throw new Error(
    `${file} is missing; \`npm run setup\` brings what this machine's platform needs, a host of another one has to reach the sources itself`,
  );
}

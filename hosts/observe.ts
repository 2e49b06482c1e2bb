import type { RunProgram } from "./run";
import { scriptText } from "./scripts";
import { LEDGER_FORMAT } from "./task";

/** A process that listens on a port we want. */
export interface Listener {
  readonly port: number;
  /** Process id, or undefined where this user may not know it. */
  readonly pid: number | undefined;
  /** Its command line. */
  readonly command: string;
}

/** A NATS server or a Pulsar that listens on a port we want, be it ours or not. */
export interface FoundServer {
  readonly port: number;
  readonly product: "nats-server" | "pulsar";
  /** What keeps it alive, such as `systemd nats.service` or `launchd com.ai.pulsar`; `nothing` where it was started by hand. */
  readonly manager: string;
  /** Where it has its data and, of a Pulsar, its bookie's directory and id; empty where that cannot be told. */
  readonly data: readonly string[];
}

/** What a Docker engine says of itself. */
export interface DockerAnswer {
  /** Undefined where none answers. */
  readonly version: string | undefined;
  /** Why none answers. */
  readonly problem: string | undefined;
}

/** What a task's ledger entry and the host say about it. */
export interface ObservedTask {
  /** When it was last applied, ISO 8601. */
  readonly applied: string;
  /** What differs from what was applied, a line each; empty when nothing does. */
  readonly differences: readonly string[];
  /** Is its entry in a format that is not read any more? Nothing is compared then. */
  readonly outdated: boolean;
  /** Version of an artefact that was copied from the driver; undefined where the host downloaded it, and for every other task. */
  readonly copied: string | undefined;
}

/** A file system of a host. */
export interface FileSystem {
  readonly mount: string;
  readonly sizeBytes: number;
  readonly availableBytes: number;
}

/** A task that a host may refuse, asked about before anything is changed. */
export interface Guarded {
  /** Resource name, and those of earlier versions of this project that it takes over. */
  readonly resources: readonly string[];
  /** What its launcher would read. */
  readonly inputs: string;
}

/** What a host is, before anything is changed. */
export interface Observation {
  /** False: nobody looked, and everything is taken to be as it was applied. */
  readonly observed: boolean;
  /** When it was looked at, ISO 8601. */
  readonly time: string;
  /** Operating system and architecture in Go's words, such as `linux-amd64`. */
  readonly platform: string;
  /** NaN where nobody looked. */
  readonly memoryBytes: number;
  /** Who carries out the tasks; undefined where nobody looked. */
  readonly user: string | undefined;
  /** Id of that user; undefined where nobody looked. */
  readonly userId: number | undefined;
  /** Of the directories that were asked about, in that order, each once. */
  readonly fileSystems: readonly FileSystem[];
  /** Does it run tasks as root? */
  readonly root: boolean;
  /** Home of the user that logs in. */
  readonly home: string;
  readonly init: "systemd" | "launchd" | "other";
  /** The user's own systemd manager outlives the user's sessions. */
  readonly lingers: boolean;
  /** That manager may cap memory. */
  readonly userMemory: boolean;
  /** Programs that tasks may need, as far as they are there. */
  readonly programs: ReadonlySet<string>;
  /** Can it fetch files from their official sources? Undefined where it was not asked because it has some. */
  readonly reaches: boolean | undefined;
  readonly listeners: readonly Listener[];
  readonly servers: readonly FoundServer[];
  /** Property lists that start a Pulsar which was set up in an earlier way, each with the directory that it names. */
  readonly earlier: readonly { readonly plist: string; readonly prefix: string }[];
  /** Project and stack that installed into our prefix, or undefined on a bare host. */
  readonly stack: string | undefined;
  /** Ids of the processes that our prefix runs. */
  readonly ownPids: ReadonlySet<number>;
  /** Ports that our containers publish; who listens there is the engine's. */
  readonly ownPorts: ReadonlySet<number>;
  /** Undefined where none was asked. */
  readonly engine: DockerAnswer | undefined;
  readonly tasks: ReadonlyMap<string, ObservedTask>;
  /** The newest format among the ledger's entries; 0 where there are none. */
  readonly ledgerFormat: number;
  /** Why a declared change must not be applied, a line each. */
  readonly refusals: readonly string[];
  /** Objects on the servers of the stack that the stack does not own, a line each. */
  readonly unmanaged: readonly string[];
}

/** What a host is asked. */
export interface Questions {
  readonly prefix: string;
  /** Project and stack, the key of the ledger. */
  readonly stack: string;
  /** Ports whose listeners are asked for. */
  readonly ports: readonly number[];
  /** Absolute paths whose file systems are asked for. */
  readonly directories?: readonly string[];
  /** Declared tasks that the host may refuse; undefined: look only. */
  readonly guarded?: readonly Guarded[];
  /** A file that a bare host tries to reach; undefined: it does not matter. */
  readonly source?: string;
  /** Address of a Docker engine that is asked whether it answers, as in DOCKER_HOST. */
  readonly engine?: string;
}

/**
 * Observes a host in one run of scripts/observe.sh.
 * @throws Error when the script fails or does not end within 60 s, and when a newer version of this project wrote the ledger
 */
export async function observe(run: RunProgram, questions: Questions): Promise<Observation> {
  const { prefix, stack, ports } = questions;
  const observation = parseObservation(await run(observeProgram(questions), [prefix, stack, ...ports.map(String)], { timeoutSeconds: 60 }));
  if (observation.ledgerFormat > LEDGER_FORMAT) {
    throw new Error(
      `its ledger below ${prefix} has format ${observation.ledgerFormat}, written by a newer version of this project; ` +
        `this one reads up to format ${LEDGER_FORMAT}: update the clone`,
    );
  }
  return observation;
}

/** What is taken for granted about a host that nobody looks at. @param platform such as `linux-amd64` */
export function unobserved(platform: string): Observation {
  return { ...parseObservation(`platform\t${platform}\n`), observed: false };
}

/** The shell program that observes a host. */
export function observeProgram({
  guarded,
  source,
  engine,
  directories = [],
}: Pick<Questions, "guarded" | "source" | "engine" | "directories">): string {
  const declared = guarded === undefined ? "" : `DECLARED='${guarded.flatMap(({ resources }) => resources).join(" ")}'\n`;
  const guards = (guarded ?? []).map(({ inputs }) => `guard <<'END OF GUARD'\n${inputs}END OF GUARD\n`);
  const fileSystems = directories.map((directory) => `file_system ${directory}\n`);
  const reach = source === undefined ? "" : `reach '${source}'\n`;
  const asked = engine === undefined ? "" : `engine '${engine}'\n`;
  return `${scriptText("servers.sh")}\n${scriptText("observe.sh")}\n${reach}${asked}FORMAT=${LEDGER_FORMAT}\n${declared}${guards.join("")}${fileSystems.join("")}finish\n`;
}

/** Reads the lines that scripts/observe.sh prints. */
export function parseObservation(output: string): Observation {
  const facts = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  const of = (kind: string) => facts.filter(([first]) => first === kind).map(([, ...fields]) => fields);
  const differences = of("difference");
  const fileSystems = of("filesystem").map(([mount = "", size, available]): [string, FileSystem] => [
    mount,
    { mount, sizeBytes: Number(size), availableBytes: Number(available) },
  ]);
  return {
    observed: true,
    time: new Date().toISOString(),
    platform: of("platform")[0]?.[0] ?? "unknown",
    memoryBytes: Number(of("memory")[0]?.[0] ?? NaN),
    user: of("user")[0]?.[1],
    userId: ((id) => (id === undefined ? undefined : Number(id)))(of("user")[0]?.[0]),
    fileSystems: [...new Map(fileSystems).values()],
    root: of("user")[0]?.[0] === "0",
    home: of("home")[0]?.[0] ?? "/",
    init: (of("init")[0]?.[0] ?? "other") as Observation["init"],
    lingers: of("linger")[0]?.[0] === "yes",
    userMemory: of("linger")[0]?.[1] === "memory",
    programs: new Set((of("programs")[0]?.[0] ?? "").split(" ")),
    reaches: ((answer) => (answer === undefined ? undefined : answer === "yes"))(of("reaches")[0]?.[0]),
    listeners: of("listener").map(([port, pid, command]) => ({
      port: Number(port),
      pid: pid === "unknown" ? undefined : Number(pid),
      command: (command ?? "").trim(),
    })),
    servers: of("server").map(([port, product, manager = "", ...data]) => ({
      port: Number(port),
      product: product as FoundServer["product"],
      manager,
      data,
    })),
    earlier: of("earlier").map(([plist = "", prefix = ""]) => ({ plist, prefix })),
    stack: of("stack")[0]?.[0],
    ownPids: new Set(of("own").map(([pid]) => Number(pid))),
    ownPorts: new Set(of("published").map(([port]) => Number(port))),
    engine: of("engine").map(([version, problem]) => ({ version: version === "" ? undefined : version, problem }))[0],
    refusals: of("refusal").map(([line]) => line ?? ""),
    unmanaged: of("unmanaged")
      .map(([line]) => line ?? "")
      .sort(),
    ledgerFormat: Math.max(0, ...of("task").map(([, , format]) => Number(format ?? 0))),
    tasks: new Map(
      of("task").map(([resource = "", applied = "", format, copied = ""]) => [
        resource,
        {
          applied,
          differences: differences.filter(([name]) => name === resource).map(([, line]) => line ?? ""),
          outdated: format !== undefined && Number(format) < LEDGER_FORMAT,
          copied: copied === "" ? undefined : copied,
        },
      ]),
    ),
  };
}

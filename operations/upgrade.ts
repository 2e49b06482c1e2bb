import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { installBytes } from "../config/footprint";
import { type ComponentName, COMPONENTS } from "../config/hosts";
import { type ExecutableName, type ArchiveName, pinnedVersions } from "../config/pins";
import { formatBytes } from "../config/units";
import { ledgerProgram } from "../hosts/scripts";
import { lock } from "../hosts/lock";
import { onHost } from "../hosts/ssh";
import { artifactDir, platforms } from "../setup/paths";
import { askHosts } from "./ask-hosts";
import { endWith } from "./program";
import { type DeployedHost, LEDGER, STACK } from "./stack-state";
import { isEarlier, rehearsalProgram, settingsWithVersion, type Step, taskInput, upgradePlan } from "./upgrade-plan";

/** Longest that a rehearsal on one host may take: a large copy, and starts on it. */
const REHEARSAL_SECONDS = 3600;

/** Product of each component, by its artefact and by its name in scripts/products. */
const PRODUCTS: Readonly<Record<ComponentName, ExecutableName | ArchiveName>> = {
  nats: "nats-server",
  pulsar: "pulsar",
  benthos: "benthos",
  monitoring: "prometheus",
};

/** A host and the versions that its services were proven with last. */
interface RunningHost extends DeployedHost {
  readonly versions: Readonly<Partial<Record<ComponentName, string>>>;
}

/** What came of a rehearsal on one host. Sizes in bytes. */
interface Rehearsal {
  readonly host: string;
  readonly from: string;
  readonly to: string;
  /** What was proven, a line each. */
  readonly proofs: readonly string[];
  readonly dataBytes: number;
  /** What the rehearsal took on disk, given back by now: the copy of the data and the new version. */
  readonly diskBytes: number;
  /** How long the running servers stood still. */
  readonly pauseSeconds: number;
  readonly copySeconds: number;
  readonly seconds: number;
}

/** What the user asks for. */
interface Wanted {
  readonly component: ComponentName;
  readonly version: string;
  readonly hosts: readonly RunningHost[];
}

/** The hosts of the stack with what runs there; the outputs of an up that failed would name what should. @throws Error that names a host that does not answer */
async function runningHosts(): Promise<RunningHost[]> {
  const { answers, silent } = await askHosts(async (host) => {
    const report = await onHost(host.config, (run) => run(ledgerProgram("versions.sh", host.prefix, LEDGER), []));
    const versions = new Map(report.split("\n").map((line) => line.split("\t") as [string, string]));
    const named = COMPONENTS.flatMap((name) => (versions.has(PRODUCTS[name]) ? [[name, versions.get(PRODUCTS[name]) ?? ""]] : []));
    return { ...host, versions: Object.fromEntries(named) as RunningHost["versions"] };
  });
  if (silent.length > 0) throw new Error(silent.join("\n"));
  return [...answers.values()];
}

/** @throws Error that says what is allowed: an unknown component or version, a version earlier than the running one, a host without the component */
function wanted(all: readonly RunningHost[], name: string, version: string, host: string | undefined): Wanted {
  const component = COMPONENTS.find((known) => known === name);
  if (component === undefined) throw new Error(`${name}: allowed: ${COMPONENTS.join(", ")}`);
  const versions: readonly string[] = pinnedVersions(PRODUCTS[component]);
  if (!versions.includes(version)) throw new Error(`${name} ${version} is not pinned; allowed: ${versions.join(", ")}`);
  const hosts = all.filter(({ key, versions: running }) => running[component] !== undefined && (host === undefined || key === host));
  if (hosts.length === 0)
    throw new Error(
      host === undefined ? `no host of stack ${STACK} runs ${name}; npm run up` : `no host ${host} of stack ${STACK} runs ${name}`,
    );
  for (const { key, versions: running } of hosts) {
    const current = running[component] ?? "";
    if (isEarlier(version, current)) {
      throw new Error(
        `host ${key} runs ${name} ${current}; ${version} is earlier, and data that a later version has written are not for an earlier one`,
      );
    }
  }
  return { component, version, hosts };
}

/** What an up with the version would do, by the program itself. @throws Error with what it refuses */
function preview(settings: string, { component, version }: Wanted): readonly Step[] {
  const directory = mkdtempSync(join(tmpdir(), "messaging-upgrade-"));
  try {
    const file = join(directory, `Pulumi.${STACK}.yaml`);
    writeFileSync(file, settingsWithVersion(readFileSync(settings, "utf8"), component, version), { mode: 0o600 });
    const args = ["preview", "--json", "--show-sames", "--non-interactive", "--stack", STACK, "--config-file", file];
    const { stdout, stderr, status } = spawnSync("pulumi", args, { encoding: "utf8", maxBuffer: 256 * 2 ** 20 });
    const { steps = [], diagnostics = [] } = JSON.parse(stdout === "" ? "{}" : stdout) as {
      readonly steps?: readonly Step[];
      readonly diagnostics?: readonly { readonly severity: string; readonly message: string }[];
    };
    if (status === 0) return steps;
    const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message.trim());
    throw new Error(`an up with ${component} ${version} is refused:\n${errors.join("\n") || stderr.trim()}`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function rehearse(host: RunningHost, wanted: Wanted, steps: readonly Step[], say: (line: string) => void): Promise<Rehearsal> {
  const { component, version } = wanted;
  const from = host.versions[component] ?? "";
  // Pipelines take what they read and write along.
  const components =
    component === "benthos" ? COMPONENTS.filter((name) => name !== "monitoring" && host.versions[name] !== undefined) : [component];
  const plan = upgradePlan(steps, host.key, components);
  const program = rehearsalProgram(plan, {
    prefix: host.prefix,
    stack: LEDGER,
    products: components.map((name) => PRODUCTS[name]),
    installBytes: installBytes([component]),
    memoryBytes: components.reduce((sum, name) => sum + (host.byComponent[name] ?? 0), 0),
  });
  const figures = new Map<string, number>();
  const proofs: string[] = [];
  const held = await lock(host.config, { prefix: host.prefix, stack: LEDGER });
  const rehearsed = onHost(host.config, async (run, bring) => {
    for (const task of plan.tasks) {
      const arrival = taskInput(task, "ARRIVAL");
      if (arrival !== undefined && taskInput(task, "NAME") === PRODUCTS[component] && version !== from) {
        say(`copying ${component} ${version} to host ${host.key}`);
        await bring(cachedFile(task), arrival);
      }
    }
    const onLine = (line: string) => {
      const [first, name = "", value = ""] = line.split("\t");
      if (first === "figure") figures.set(name, Number(value));
      else {
        proofs.push(line);
        say(line);
      }
    };
    await run(program, [], { timeoutSeconds: REHEARSAL_SECONDS, onLine });
  });
  // No up changes underneath what is copied.
  await rehearsed.finally(() => held?.release());
  const figure = (name: string) => figures.get(name) ?? NaN;
  return {
    host: host.key,
    from,
    to: version,
    proofs,
    dataBytes: figure("dataBytes"),
    diskBytes: figure("diskBytes"),
    pauseSeconds: figure("pauseSeconds"),
    copySeconds: figure("copySeconds"),
    seconds: figure("seconds"),
  };
}

/** The file of an artefact's task in the driver's cache. @throws Error when there is none */
function cachedFile(task: string): string {
  const [name = "", version = ""] = ["NAME", "VERSION"].map((key) => taskInput(task, key));
  const sources = (task.split("\n\n", 2)[1] ?? "").split("\n").map((line) => line.split(" ")[0] ?? "");
  const files = [...platforms, "any"].flatMap((platform) => sources.map((file) => join(artifactDir(name, version, platform), file)));
  const found = files.find((file) => !file.endsWith("/") && existsSync(file));
  if (found === undefined)
    throw new Error(`${name} ${version} is not in the cache of this machine, and the host does not reach its source`);
  return found;
}

function show({ host, from, to, dataBytes, diskBytes, pauseSeconds, copySeconds, seconds }: Rehearsal, component: ComponentName): void {
  console.log(`rehearsed on host ${host}: ${component} ${from} -> ${to}, in ${seconds.toFixed(0)} s; nothing was switched`);
  console.log(
    `  data: ${formatBytes(dataBytes)}, copied in ${copySeconds.toFixed(1)} s; the running server stood still for ${pauseSeconds.toFixed(2)} s of them`,
  );
  console.log(`  disk: ${formatBytes(diskBytes)} for the time of the rehearsal, given back`);
}

/** What runs and what it may be upgraded to. */
function overview(hosts: readonly RunningHost[]): void {
  for (const { key, versions } of hosts) {
    for (const component of COMPONENTS) {
      const running = versions[component];
      if (running === undefined) continue;
      const later = pinnedVersions(PRODUCTS[component]).filter((version) => isEarlier(running, version));
      console.log(
        `${key}: ${component} ${running}${later.length === 0 ? ", no later version is pinned" : `; pinned and later: ${later.join(", ")}`}`,
      );
    }
  }
  console.log("npm run upgrade -- [--rehearse] [--host HOST] [--json] COMPONENT VERSION");
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rehearse: { type: "boolean", default: false },
      host: { type: "string" },
      json: { type: "boolean", default: false },
      // Of the stack, from setup/run.js.
      settings: { type: "string", default: "" },
    },
  });
  const [name, version, ...others] = positionals;
  if (name === undefined) {
    overview(await runningHosts());
    return;
  }
  if (version === undefined || others.length > 0)
    throw new Error("usage: npm run upgrade -- [--rehearse] [--host HOST] [--json] COMPONENT VERSION");
  const asked = wanted(await runningHosts(), name, version, values.host);
  const { component } = asked;
  const how = `set messaging:${component}.version to ${version} in the settings of stack ${STACK}, look with npm run preview -- --diff, apply with npm run up`;
  const steps = preview(values.settings, asked);
  if (!values.rehearse) {
    console.log(
      `to upgrade ${component} to ${version}: ${how}. To try it on a copy of the data first: npm run upgrade -- --rehearse ${component} ${version}`,
    );
    return;
  }
  const rehearsals: Rehearsal[] = [];
  for (const host of asked.hosts) rehearsals.push(await rehearse(host, asked, steps, (line) => console.error(line)));
  if (values.json) console.log(JSON.stringify(rehearsals, undefined, 2));
  else {
    for (const rehearsal of rehearsals) show(rehearsal, component);
    console.log(`to upgrade: ${how}`);
  }
}

endWith(main().then(() => 0));

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { neededPrograms } from "../config/footprint";
import { carried, type ComponentName, COMPONENTS, type HostConfig } from "../config/hosts";
import { type Config, onHost as componentsOf, parseConfig } from "../config/load";
import { wantedPorts } from "../config/ports";
import { observe } from "../hosts/observe";
import { runLocal } from "../hosts/run";
import type { RunProgram } from "../hosts/run";
import { ledgerProgram } from "../hosts/scripts";
import { onHost } from "../hosts/ssh";
import { pulumiBin, pulumiEnvironment } from "../setup/environment";
import { dataDir } from "../setup/paths";
import { prerequisites } from "../setup/prerequisites";
import { localBackend, stateFile } from "../setup/stack";
import { askHosts } from "./ask-hosts";
import {
  exitCode,
  type Finding,
  hostFindings,
  observationFindings,
  prerequisiteFinding,
  serviceFindings,
  type Severity,
  supportFinding,
} from "./doctor-checks";
import { endWith, messageOf } from "./program";
import { deployedHosts, LEDGER, STACK } from "./stack-state";
import { parseSamples } from "./status-report";

/** Artefact of each component that has the version of the settings. */
const ARTEFACTS: Readonly<Record<ComponentName, string>> = {
  nats: "nats-server",
  pulsar: "pulsar",
  benthos: "benthos",
  monitoring: "prometheus",
};

/** A host to look at. */
interface ExaminedHost {
  readonly key: string;
  readonly prefix: string;
  /** Ports that the settings give to its components. */
  readonly ports: readonly number[];
  readonly capOf: (service: string) => number | undefined;
}

/** The settings of the stack, checked, or what is wrong with them. */
function settingsFindings(file: string): { readonly config: Config | undefined; readonly findings: readonly Finding[] } {
  const wrong = (found: string, advice: string) => ({
    config: undefined,
    findings: [{ severity: "error", check: "settings", found, advice } as const],
  });
  if (!existsSync(file)) return wrong(`${file} is not there`, "copy Pulumi.dev.yaml, or choose a stack with PULUMI_STACK");
  try {
    const { config = {} } = (parse(readFileSync(file, "utf8")) ?? {}) as { readonly config?: Readonly<Record<string, unknown>> };
    const own = Object.entries(config).flatMap(([key, value]) => {
      const [namespace, name] = key.split(":", 2);
      return namespace === "messaging" && name !== undefined ? [[name, withoutSecrets(value)] as const] : [];
    });
    const parsed = parseConfig(Object.fromEntries(own));
    return { config: parsed, findings: [{ severity: "ok", check: "settings", found: `${file} is sound` }] };
  } catch (error) {
    return wrong(messageOf(error), `correct ${file}`);
  }
}

/** Secrets as any text: they are encrypted there, and nothing here needs them. */
function withoutSecrets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (Object.keys(value).join() === "secure") return "[secret]";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]));
}

/** What this machine needs and the settings ask for. */
function localFindings(config: Config | undefined): Finding[] {
  const maven = config?.pulsar !== undefined && config.pulsar.source === undefined;
  const programs = prerequisites(["maven", "go"], process.env);
  const versions = COMPONENTS.flatMap((name) => {
    const version = config?.[name]?.version;
    return version === undefined ? [] : [supportFinding(ARTEFACTS[name], version, new Date())];
  });
  return [
    ...programs.filter(({ name }) => name !== "Maven" || maven).map((program) => prerequisiteFinding(program, program.name !== "Go")),
    ...versions,
  ];
}

/** Looks at one host. */
async function examine(run: RunProgram, { prefix, ports, capOf }: ExaminedHost): Promise<Finding[]> {
  const asked = Date.now();
  const report = await run(ledgerProgram("doctor.sh", prefix, LEDGER), []);
  // It tells its time first, after the way there.
  const told = new Date((asked + Math.min(Date.now(), asked + 1000)) / 2);
  const samples = parseSamples(await run(ledgerProgram("status.sh", prefix, LEDGER), []));
  const observation = await observe(run, { prefix, stack: LEDGER, ports });
  return [...serviceFindings(samples, capOf), ...hostFindings(report, told), ...observationFindings(observation)];
}

function portsOf(host: HostConfig | undefined, config: Config | undefined): number[] {
  return host === undefined || config === undefined ? [] : wantedPorts(componentsOf(host, config)).map(({ port }) => port);
}

/** Programs of the system that the components of a host that is still bare need. */
async function bareFindings(host: HostConfig, config: Config): Promise<Finding[]> {
  const needed = neededPrograms(carried(host, config));
  const { programs } = await observe(runLocal, { prefix: host.prefix ?? dataDir(), stack: LEDGER, ports: [] });
  return needed.map((program) => ({
    check: program,
    ...(programs.has(program)
      ? { severity: "ok", found: "there" }
      : { severity: "error", found: "not found", advice: `install ${program} with the system's package manager` }),
  }));
}

/** Has the stack a state that the CLI, once it is there, can tell about? */
function deployed(): boolean {
  if (!existsSync(join(pulumiBin(), "pulumi"))) return false;
  const backend = localBackend(pulumiEnvironment());
  return backend === undefined || existsSync(stateFile(backend, STACK));
}

async function diagnose(settings: string): Promise<Finding[]> {
  const { config, findings } = settingsFindings(settings);
  const here = [...localFindings(config), ...findings];
  const hosts = deployed() ? deployedHosts() : [];
  if (hosts.length === 0) {
    const local = Object.entries(config?.hosts ?? {}).find(([, { connection }]) => connection === "local");
    const nothing: Finding = { severity: "ok", check: `stack ${STACK}`, found: "nothing is deployed yet: npm run up" };
    if (local === undefined || config === undefined) return [...here, nothing];
    const [key, host] = local;
    const bare = { key, prefix: host.prefix ?? dataDir(), ports: portsOf(host, config), capOf: () => undefined };
    const found = [...(await bareFindings(host, config)), ...(await examine(runLocal, bare))];
    return [...here, nothing, ...found.map((one) => ({ ...one, host: key }))];
  }
  const { answers, silent } = await askHosts(({ key, config: connection, prefix, byComponent }) => {
    const capOf = (service: string) => byComponent[service === "nats-server" ? "nats" : service];
    return onHost(connection, (run) => examine(run, { key, prefix, ports: portsOf(config?.hosts[key], config), capOf }));
  }, hosts);
  return [
    ...here,
    ...[...answers].flatMap(([host, found]) => found.map((one) => ({ ...one, host }))),
    ...silent.map((found) => ({
      severity: "error" as const,
      check: "connection",
      found,
      advice: "start it, or npm run forget -- HOST if it is gone for good",
    })),
  ];
}

const MARKS: Readonly<Record<Severity, string>> = { ok: "ok      ", warning: "warning ", error: "error   " };

function show(findings: readonly Finding[]): void {
  for (const { severity, host, check, found, advice } of findings) {
    console.log(`${MARKS[severity]} ${host === undefined ? "" : `${host}: `}${check}: ${found}`);
    if (advice !== undefined) console.log(`          ${advice}`);
  }
  const count = (severity: Severity) => findings.filter((one) => one.severity === severity).length;
  console.log(`${count("ok")} ok, ${count("warning")} warnings, ${count("error")} errors`);
}

// Exit code 0: all is well, 1: warnings, 2: errors, or it could not look.
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { settings: { type: "string", default: "" }, json: { type: "boolean", default: false } },
  });
  const findings = await diagnose(values.settings);
  if (values.json) console.log(JSON.stringify(findings, undefined, 2));
  else show(findings);
  return exitCode(findings);
}

endWith(main(), 2);

import { X509Certificate } from "node:crypto";
import { formatBytes } from "../config/units";
import type { Observation } from "../hosts/observe";
import { supportOf } from "../policies/artefacts";
import type { ServiceSample } from "./status-report";

/** How bad it is: `warning` will become an `error` when nothing is done. */
export type Severity = "ok" | "warning" | "error";

/** One thing that was looked at. */
export interface Finding {
  readonly severity: Severity;
  /** Host, or nothing where it is this machine or the settings. */
  readonly host?: string;
  readonly check: string;
  readonly found: string;
  /** What to do; nothing where all is well. */
  readonly advice?: string;
}

const DAY_MILLISECONDS = 86_400_000;

/** Days before its end from which a certificate, or the support of a version, is a warning. */
const WARN_DAYS = { certificate: 30, support: 90 };

const worst = (...severities: Severity[]): Severity =>
  severities.includes("error") ? "error" : severities.includes("warning") ? "warning" : "ok";

/** 0: all is well, 1: warnings, 2: errors. */
export function exitCode(findings: readonly Finding[]): number {
  return { ok: 0, warning: 1, error: 2 }[worst(...findings.map(({ severity }) => severity))];
}

/** `warning` from the first bound on, `error` from the second. */
function above(value: number, warning: number, error: number): Severity {
  return value >= error ? "error" : value >= warning ? "warning" : "ok";
}

const finding = (severity: Severity, check: string, found: string, advice: string): Finding => ({
  severity,
  check,
  found,
  ...(severity === "ok" ? {} : { advice }),
});

/** A program that has to be there already, as setup/prerequisites.js tells of it. */
export interface Prerequisite {
  readonly name: string;
  readonly least: string;
  readonly found: string | undefined;
  readonly good: boolean;
  readonly ways: string;
}

/** @param required false: only some sources need it */
export function prerequisiteFinding({ name, least, found, good, ways }: Prerequisite, required: boolean): Finding {
  const what = found === undefined ? `not found, ${least} is needed` : good ? found : `${found}, ${least} is needed`;
  if (good || required) return finding(good ? "ok" : "error", name, what, ways);
  return finding("ok", name, `${what} only where official downloads cannot be reached`, "");
}

/** How long a version gets fixes. @param name of its artefact */
export function supportFinding(name: string, version: string, now: Date): Finding {
  const support = supportOf(name, version);
  const check = `${name} ${version}`;
  if (support === undefined) return finding("ok", check, "no end of its support is known", "");
  const days = Math.floor((Date.parse(support.ended) - now.getTime()) / DAY_MILLISECONDS);
  const found = `${days < 0 ? "got its last fixes on" : "gets fixes until"} ${support.ended}`;
  return finding(days < WARN_DAYS.support ? "warning" : "ok", check, found, `plan the way to ${support.instead}: npm run upgrade`);
}

/** Services that do not run or answer, and their memory against the cap. @param capOf bytes that a service may use */
export function serviceFindings(samples: readonly ServiceSample[], capOf: (service: string) => number | undefined): Finding[] {
  return samples.flatMap(({ service, state, product, memoryBytes }) => {
    const well = state === "running" && product !== undefined;
    const found = product === undefined ? `${state}, does not answer` : well ? `running, version ${product.version}` : state;
    const cap = capOf(service);
    const used = memoryBytes === undefined || cap === undefined ? undefined : memoryBytes / cap;
    return [
      finding(well ? "ok" : "error", service, found, `npm run logs -- ${service}; then npm run up`),
      ...(used === undefined || cap === undefined || memoryBytes === undefined
        ? []
        : [
            finding(
              above(used, 0.9, 1),
              `${service} memory`,
              `${formatBytes(memoryBytes)} of ${formatBytes(cap)}, ${Math.round(used * 100)} %`,
              `raise its memory in the settings, and messaging:ramBudget with it: npm run budget shows what is planned`,
            ),
          ]),
    ];
  });
}

/** What scripts/doctor.sh says. @param now of this machine when the host told its time */
export function hostFindings(report: string, now: Date): Finding[] {
  const facts = report
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t"));
  const seen = new Set<string>();
  return facts.flatMap(([kind = "", ...fields]) => {
    switch (kind) {
      case "clock":
        return [clock(fields, now)];
      case "memory":
        return memory(fields);
      case "files":
        return [files(fields)];
      case "certificate":
        return [certificate(fields, now)];
      case "space": {
        const [, mount = ""] = fields;
        if (seen.has(mount)) return [];
        seen.add(mount);
        return [disk(fields)];
      }
      default:
        return [];
    }
  });
}

function clock([seconds, synchronised]: readonly string[], now: Date): Finding {
  const off = Math.round(Number(seconds) - now.getTime() / 1000);
  const apart = above(Math.abs(off), 5, 60);
  const said = { yes: "synchronised", no: "not synchronised", unknown: "nothing says whether it is synchronised" };
  const found = `${Math.abs(off) < 2 ? "as this machine's" : `${Math.abs(off)} s ${off > 0 ? "ahead of" : "behind"} this machine's`}, ${said[(synchronised ?? "unknown") as keyof typeof said]}`;
  return finding(
    worst(apart, synchronised === "no" ? "warning" : "ok"),
    "clock",
    found,
    "run a time service (systemd-timesyncd, chrony): retention, message TTL and tokens go by the clock",
  );
}

function memory([total, available]: readonly string[]): Finding[] {
  if (available === undefined || available === "") return [];
  const share = 1 - Number(available) / Number(total);
  const found = `${formatBytes(Number(available))} of ${formatBytes(Number(total))} available`;
  return [
    finding(
      above(share, 0.9, 0.97),
      "memory",
      found,
      "stop what needs it, or lower messaging:ramBudget: the kernel ends a process when none is left",
    ),
  ];
}

function disk([, mount, size, available]: readonly string[]): Finding {
  const used = 1 - Number(available) / Number(size);
  const found = `${formatBytes(Number(available))} of ${formatBytes(Number(size))} available, ${Math.round(used * 100)} % used`;
  // A bookie takes no more writes from 95 % on (diskUsageThreshold).
  return finding(
    above(used, 0.85, 0.95),
    `disk ${mount ?? ""}`,
    found,
    "lower a retention or give it room: npm run budget shows what is planned, docs/operations what to delete first",
  );
}

function files([service, open, most]: readonly string[]): Finding {
  const found = `${open ?? ""} of ${most ?? ""} open`;
  const used = most === "unlimited" ? 0 : Number(open) / Number(most);
  return finding(
    above(used, 0.8, 0.95),
    `${service ?? ""} files`,
    found,
    "raise the limit of open files (ulimit -n) of the user that starts it",
  );
}

function certificate([path, body]: readonly string[], now: Date): Finding {
  const parsed = new X509Certificate(Buffer.from(body ?? "", "base64"));
  const days = Math.floor((Date.parse(parsed.validTo) - now.getTime()) / DAY_MILLISECONDS);
  const severity = days < 0 ? "error" : days < WARN_DAYS.certificate ? "warning" : "ok";
  const found = `${days < 0 ? "expired" : "valid until"} ${new Date(parsed.validTo).toISOString().slice(0, 10)}, ${Math.abs(days)} days`;
  return finding(severity, `certificate ${path ?? ""}`, found, "renew it: npm run up; one of yours: in the settings first");
}

/** Ports that others hold, and what differs from what was applied. */
export function observationFindings(observation: Observation): Finding[] {
  const strangers = observation.listeners.filter(({ pid }) => pid === undefined || !observation.ownPids.has(pid));
  const drifted = [...observation.tasks].filter(([, { differences }]) => differences.length > 0);
  return [
    ...strangers.map(({ port, command }) =>
      finding("error", `port ${port}`, `held by ${command}`, "stop it, or choose another port in the settings"),
    ),
    ...drifted.map(([task, { differences }]) =>
      finding("warning", "drift", `${task}: ${differences.join("; ")}`, "npm run preview -- --diff shows it, npm run up repairs it"),
    ),
    ...(drifted.length > 0 || observation.tasks.size === 0
      ? []
      : [finding("ok", "drift", `${observation.tasks.size} tasks are as they were applied, values in effect included`, "")]),
  ];
}

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORY = join(__dirname, "..", "scripts");

/** SHA-256 of a text in hexadecimal, shortened to 12 characters: enough to tell apart what one person writes. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** The text of a script. @param name path below `scripts/` */
export function scriptText(name: string): string {
  return readFileSync(join(DIRECTORY, name), "utf8");
}

/** Scripts that live on a host, as paths below `scripts/`. */
function hostScripts(): string[] {
  const folders = ["managers", "products", "tasks"];
  const nested = folders.flatMap((folder) => readdirSync(join(DIRECTORY, folder)).map((file) => `${folder}/${file}`));
  return [
    "health.sh",
    "jetstream-view.sh",
    "jetstream.sh",
    "lib.sh",
    "objects.sh",
    "pulsar-admin.sh",
    "pulsar-policies.sh",
    "pulsar-removal.sh",
    "pulsar-start.sh",
    "pulsar-topics.sh",
    "pulsar-view.sh",
    "servers.sh",
    "start.sh",
    "task.sh",
    ...nested.sort(),
  ];
}

/**
 * A shell program that installs the scripts on a host: scripts/install.sh and each script as a here-document, so that a preview shows which
 * lines of which script change.
 * @param inputs assignments that come first: PREFIX, RESOURCE and STACK
 */
export function scriptsInstaller(inputs: Readonly<Record<string, string>>): string {
  const assignments = Object.entries(inputs).map(([key, value]) => `${key}=${value}\n`);
  const files = hostScripts().map((name) => `put ${name} <<'END OF ${name}'\n${scriptText(name)}END OF ${name}\n`);
  return [assignments.join(""), scriptText("install.sh"), ...files, "finish\n"].join("\n");
}

/** Digest of what a task runs: its own script and those that every script shares. */
export function scriptDigest(task: string, uses: readonly string[]): string {
  return digest(["lib.sh", "task.sh", `tasks/${task}.sh`, ...uses].map(scriptText).join("\0"));
}

/**
 * A program that looks at the services in a stack's ledger: scripts/ledger.sh and a script that goes on from there.
 * @param stack project and stack, the key of the ledger
 * @param more assignments that come first
 */
export function ledgerProgram(
  name: "doctor.sh" | "logs.sh" | "status.sh" | "usage.sh" | "versions.sh" | "rehearse.sh",
  prefix: string,
  stack: string,
  more: Readonly<Record<string, string | number>> = {},
): string {
  const assignments = Object.entries({ PREFIX: prefix, STACK: stack, ...more }).map(([key, value]) => `${key}='${value}'\n`);
  return ["set -u\n", ...assignments, scriptText("ledger.sh"), scriptText(name)].join("");
}

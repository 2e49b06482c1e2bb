// Prints what came of every edit by hand that the suites made, beside what Ansible and pyinfra did with it. One that no suite made is an error, unless it takes
// machines with systemd, or a Docker engine, and this is no place for them.
import { table } from "../operations/table";
import { type DriftName, type DriftResult, DRIFTS } from "./support/drift";
import { noEngine } from "./support/engine";
import { noMachines } from "./support/machine";
import { noted } from "./support/results";

/** Edits that only some hosts can have, with what says why none of them can be had here. */
const TAKES: Readonly<Partial<Record<DriftName, () => string | undefined>>> = {
  "drop-in added": noMachines,
  "service disabled": noMachines,
  "owner of the data directory changed": noMachines,
  "memory cap of a container changed": noEngine,
};

const [file = ""] = process.argv.slice(2);
const results = noted<DriftResult>(file);

const names = Object.keys(DRIFTS) as DriftName[];
const rows = names.map((name) => {
  const ours = results.filter((result) => result.name === name);
  const all = (of: (result: DriftResult) => string) => [...new Set(ours.map(of))].join("; ");
  const [ansible, pyinfra] = DRIFTS[name] ?? ["-", "-"];
  return [name, ours.length === 0 ? "not made" : all(({ outcome }) => outcome), all(({ where }) => where), ansible, pyinfra];
});
console.log("Edits by hand: what a plain preview and up do, beside dry run and run of Ansible and pyinfra");
console.log(table([["edit", "preview, up, preview", "host", "Ansible", "pyinfra"], ...rows], 5));
for (const name of names) {
  const shown = results.find((result) => result.name === name)?.shown ?? [];
  console.log(`\n${name}`);
  for (const line of shown.slice(0, 4)) console.log(`  ${line.slice(0, 170)}`);
}
for (const name of names.filter((name) => !results.some((result) => result.name === name))) {
  const reason = TAKES[name]?.();
  console.log(`\nnot made: ${name}${reason === undefined ? "" : ` (${reason})`}`);
  if (reason === undefined) process.exitCode = 1;
}

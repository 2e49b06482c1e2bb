// Prints what came of every check on every target. One that was not made is an error, unless there can be no engine here.
import { table } from "../operations/table";
import { noEngine } from "./support/engine";
import { noted } from "./support/results";
import { CHECK_NAMES, TARGETS, type TargetResult } from "./support/targets";

const [file = ""] = process.argv.slice(2);
const results = noted<TargetResult>(file);

const rows = CHECK_NAMES.map((name) => {
  const outcomes = TARGETS.map((target) => {
    const passed = results.find((result) => result.check === name && result.target === target)?.passed;
    return passed === undefined ? "not made" : passed ? "passed" : "failed";
  });
  return [name, ...outcomes];
});
console.log("\nThe same checks on every target");
console.log(table([["check", ...TARGETS], ...rows], TARGETS.length + 1));
const missing = rows.some((row) => row.includes("not made"));
const reason = noEngine();
if (missing) console.log(`\nnot made: ${reason ?? "see the suites"}`);
if (missing && reason === undefined) process.exitCode = 1;

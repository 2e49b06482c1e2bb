"use strict";
// Steps on a host, as the resources of @pulumi/command carry them.

const COMMAND = /^command:(local|remote):Command$/;

/**
 * What a step's launcher reads on standard input: `KEY=value` lines, an empty line, a text.
 * @typedef {object} Task
 * @property {Readonly<Record<string, string>>} inputs `TASK` names the script
 * @property {string} body
 */

/**
 * @param {import("@pulumi/policy").ResourceValidationArgs} resource
 * @returns {Task | undefined} undefined for what is no step
 */
function taskOf({ type, props }) {
  const text = COMMAND.test(type) ? known(props, "stdin") : undefined;
  if (typeof text !== "string" || !text.startsWith("TASK=")) return undefined;
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end);
  const inputs = head
    .split("\n")
    .filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
  return { inputs: Object.fromEntries(inputs), body: end < 0 ? "" : text.slice(end + 2) };
}

/**
 * A property; undefined where a preview cannot know it yet, as with keys that are still to be made. The up that follows is judged with it.
 * @param {Readonly<Record<string, unknown>>} props
 * @param {string} name
 * @returns {unknown}
 */
function known(props, name) {
  try {
    return props[name];
  } catch {
    return undefined;
  }
}

module.exports = { COMMAND, taskOf };

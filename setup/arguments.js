"use strict";
// The two options of pulumi that the wrapper has to know; all others pass through untouched.

const { parseArgs } = require("node:util");

/**
 * Takes the stack and the settings file out of arguments that are meant for pulumi.
 * @param {string[]} args
 * @returns {{ stack?: string, settings?: string, rest: string[] }} the values, and the arguments without them
 */
function takeStackOptions(args) {
  const { tokens, values } = parseArgs({
    args,
    options: { stack: { type: "string", short: "s" }, "config-file": { type: "string" } },
    strict: false,
    tokens: true,
  });
  const taken = new Set();
  for (const token of tokens) {
    if (token.kind !== "option" || (token.name !== "stack" && token.name !== "config-file")) continue;
    taken.add(token.index);
    if (!token.inlineValue) taken.add(token.index + 1);
  }
  const { stack, "config-file": settings } = values;
  return {
    ...(typeof stack === "string" && { stack }),
    ...(typeof settings === "string" && { settings }),
    rest: args.filter((_, index) => !taken.has(index)),
  };
}

module.exports = { takeStackOptions };

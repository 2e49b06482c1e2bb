"use strict";
// Registers the resources of a JSON file, named by the config `fixture:resources`, as components: policies see types, names and values, and no provider is asked.

const fs = require("node:fs");
const pulumi = require("@pulumi/pulumi");

/** @typedef {import("../judge").Tree} Tree */

class Fixture extends pulumi.ComponentResource {
  /**
   * @param {Tree} tree
   * @param {Fixture} [parent]
   */
  constructor({ type, name, props = {}, children = [] }, parent) {
    super(type, name, { ...props }, parent && { parent });
    for (const child of children) new Fixture(child, this);
    this.registerOutputs({ ...props });
  }
}

const trees = /** @type {Tree[]} */ (JSON.parse(fs.readFileSync(new pulumi.Config().require("resources"), "utf8")));
for (const tree of trees) new Fixture(tree);

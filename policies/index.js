"use strict";
// The pack as the engine starts it.

require("./lean.js").skipUnused();

const { PolicyPack } = require("@pulumi/policy");
const { chosenSettings } = require("./choice.js");
const { policies } = require("./policies.js");

new PolicyPack("messaging", { policies }, chosenSettings(process.env.PULUMI_CONFIG, policies));

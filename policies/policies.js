"use strict";
// Every policy of the pack.

const { httpsSources, pinnedArtefacts, pinnedImages, supportedVersions } = require("./artefacts.js");
const { diskBudget } = require("./disk.js");
const { durableStorage } = require("./durability.js");
const { ramBudget, ramFigures } = require("./ram.js");
const { boundedRetention, memoryStreams, retentionExceedsBacklog } = require("./retention.js");
const { noInlinePasswords, pinnedHostKeys, protectedListeners, protectedPorts, servicesNotRoot } = require("./security.js");

/** @type {import("@pulumi/policy").Policies} */
const policies = [
  ramFigures,
  ramBudget,
  diskBudget,
  boundedRetention,
  retentionExceedsBacklog,
  memoryStreams,
  durableStorage,
  pinnedArtefacts,
  httpsSources,
  pinnedImages,
  supportedVersions,
  protectedListeners,
  protectedPorts,
  pinnedHostKeys,
  noInlinePasswords,
  servicesNotRoot,
];

module.exports = { policies };

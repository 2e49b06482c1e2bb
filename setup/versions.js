"use strict";
// The pins of config/versions.json with their types.

/**
 * One artefact for one platform.
 * @typedef {object} Build
 * @property {string} [url] official archive; absent where no official digest is pinned
 * @property {string} [sha256] digest of that archive
 * @property {string} built digest of the binary that `go build` makes
 *
 * @typedef {object} Artifact
 * @property {string} binary file name of the executable
 * @property {string} package Go package that is built
 * @property {string} ldflags
 * @property {Record<string, Record<string, Build>>} versions by version, then by platform
 *
 * @typedef {object} Versions
 * @property {string} go toolchain that builds what official sources cannot give
 * @property {string} pulumi
 * @property {{ command: string }} plugins
 * @property {Record<string, Artifact>} artifacts by name
 */

/** @type {Versions} */
const versions = require("../config/versions.json");

module.exports = { versions };

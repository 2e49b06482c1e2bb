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
 * One place an archive can be had from.
 * @typedef {object} ArchiveSource
 * @property {{ url?: string, maven?: string, pypi?: string, debian?: string }} from address, coordinates in Maven Central, requirement in PyPI, or a package of
 *   Debian and its version
 * @property {string} file
 * @property {string} digest such as `sha512:0a1b…`
 * @property {string} root directory inside the archive
 *
 * @typedef {object} Archive
 * @property {string[]} [signers] fingerprints of the keys that sign it
 * @property {string} [keysUrl] where the public keys of the signers are
 * @property {Record<string, Record<string, ArchiveSource[]>>} versions by version, then by platform or `any`
 *
 * @typedef {object} Versions
 * @property {string} go toolchain that builds what official sources cannot give
 * @property {string} pulumi
 * @property {Record<string, string>} plugins provider plugins by name
 * @property {Record<"base" | "go" | "nats" | "pulsar", string>} images container images by use, by digest where it is known
 * @property {Record<string, Artifact>} artifacts executables by name
 * @property {Record<string, Archive>} archives whole trees by name
 */

/** @type {Versions} */
const versions = require("../config/versions.json");

module.exports = { versions };

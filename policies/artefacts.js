"use strict";
// Supply chain: what runs is what was chosen, byte for byte, and still maintained.

const { CONTAINER } = require("./stack.js");
const { taskOf } = require("./task.js");

const IMAGES = [CONTAINER, "docker:index/remoteImage:RemoteImage"];

/** The digests that are trusted, with their length in hexadecimal. */
const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** An image that a task of the stack builds from verified artefacts, on the host itself; its tag has the digest of what goes in. */
const BUILT = /^localhost\/messaging\/[a-z0-9_-]+:[\w.-]+-[0-9a-f]{12}$/;

/** A version that says which release it is: no `latest`, range or wildcard. */
const VERSION = /^v?\d+(\.\d+)+([-+.][0-9A-Za-z.+-]+)?$/;

/**
 * The sources of an artefact, a line each: file, digest, directory inside the archive and address, `-` for none (scripts/tasks/artifact.sh).
 * @param {import("@pulumi/policy").ResourceValidationArgs} resource
 */
function artefactOf(resource) {
  const task = taskOf(resource);
  if (task?.inputs["TASK"] !== "artifact") return undefined;
  const sources = task.body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [file = "", digest = "", , url = "-"] = line.split(" ");
      return { file, digest, url: url === "-" ? undefined : url };
    });
  return { name: task.inputs["NAME"] ?? "", version: task.inputs["VERSION"] ?? "", sources };
}

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const pinnedArtefacts = {
  name: "pinned-artefacts",
  description: "Every artefact is of one version and is checked by SHA-256 or SHA-512.",
  enforcementLevel: "mandatory",
  validateResource(resource, reportViolation) {
    const artefact = artefactOf(resource);
    if (artefact === undefined) return;
    const { name, version, sources } = artefact;
    if (!VERSION.test(version))
      reportViolation(`${name} is wanted in version "${version}", which names no release. Pin one in config/versions.json.`);
    if (sources.length === 0) reportViolation(`${name} ${version} has no source. Pin one with its digest in config/versions.json.`);
    for (const { file, digest } of sources) {
      if (DIGEST.test(digest)) continue;
      reportViolation(
        `${file} of ${name} ${version} is checked by "${digest}", which is no SHA-256 or SHA-512 digest. Pin its digest in config/versions.json.`,
      );
    }
  },
};

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const httpsSources = {
  name: "https-sources",
  description: "Nothing is fetched over plain http.",
  enforcementLevel: "mandatory",
  validateResource(resource, reportViolation) {
    for (const { file, url } of artefactOf(resource)?.sources ?? []) {
      if (url === undefined || url.startsWith("https://")) continue;
      reportViolation(`${file} comes from ${url}. Use an https address: the digest protects the file, not what is asked for on the way.`);
    }
  },
};

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const pinnedImages = {
  name: "pinned-images",
  description: "A container's image is named by its digest or id; a tag may mean another image tomorrow.",
  enforcementLevel: "mandatory",
  validateResource({ type, name, props }, reportViolation) {
    if (!IMAGES.includes(type)) return;
    const image = /** @type {unknown} */ (type === CONTAINER ? props["image"] : props["name"]);
    if (typeof image === "string" && (/(^|@)sha256:[0-9a-f]{64}$/.test(image) || (type !== CONTAINER && BUILT.test(image)))) return;
    reportViolation(`${name} uses the image ${String(image)}, which is not pinned. Write it as name@sha256:<digest>.`);
  },
};

/**
 * Since when a line of releases gets no fixes, ISO 8601.
 * Pulsar: https://pulsar.apache.org/contribute/release-policy/ (security support). NATS: the two latest minor releases are maintained, and 2.12 came out then.
 * Benthos: the last release under that name; the project goes on as Redpanda Connect.
 * @type {readonly { name: string, line: RegExp, ended: string, instead: string }[]}
 */
const SUPPORT = [
  { name: "pulsar", line: /^3\.2\./, ended: "2024-08-05", instead: "4.0, supported until 2027-10-21" },
  { name: "pulsar", line: /^3\.3\./, ended: "2024-12-05", instead: "4.0, supported until 2027-10-21" },
  { name: "pulsar", line: /^4\.0\./, ended: "2027-10-21", instead: "the next long-term release" },
  { name: "nats-server", line: /^2\.10\./, ended: "2025-09-22", instead: "2.12" },
  { name: "benthos", line: /^4\./, ended: "2024-05-30", instead: "Redpanda Connect, which reads the same pipelines" },
];

/**
 * Until when a version gets fixes, as far as its project says.
 * @param {string} name of the artefact
 * @param {string} version
 * @returns {{ ended: string, instead: string } | undefined} day, ISO 8601, and what comes after
 */
function supportOf(name, version) {
  return SUPPORT.find((support) => support.name === name && support.line.test(version));
}

/**
 * @param {() => Date} now
 * @returns {import("@pulumi/policy").ResourceValidationPolicy}
 */
function supportedVersionsAt(now) {
  return {
    name: "supported-versions",
    description: "Warns about versions that get no more fixes, with the date.",
    enforcementLevel: "advisory",
    configSchema: {
      properties: {
        warnDaysBefore: { type: "number", minimum: 0, default: 90 },
      },
    },
    validateResource(resource, reportViolation) {
      const artefact = artefactOf(resource);
      const support = artefact && supportOf(artefact.name, artefact.version);
      if (artefact === undefined || support === undefined) return;
      const { warnDaysBefore } = /** @type {{ warnDaysBefore: number }} */ (resource.getConfig());
      const today = now().toISOString().slice(0, 10);
      const ahead = new Date(now().getTime() + warnDaysBefore * 86_400_000).toISOString().slice(0, 10);
      if (support.ended > ahead) return;
      const ended = support.ended < today ? "got its last fixes on" : "gets its last fixes on";
      reportViolation(`${artefact.name} ${artefact.version} ${ended} ${support.ended}. Plan the way to ${support.instead}.`);
    },
  };
}

const supportedVersions = supportedVersionsAt(() => new Date());

module.exports = { pinnedArtefacts, httpsSources, pinnedImages, supportedVersions, supportedVersionsAt, supportOf };

"use strict";
// Security: who may reach a service, with what proof, and as whom it runs.

const { CONTAINER, hosts } = require("./stack.js");
const { COMMAND, taskOf } = require("./task.js");

/**
 * A socket that a component opens.
 * @typedef {object} Listener
 * @property {string} name such as `client`
 * @property {string} address
 * @property {number} port
 * @property {boolean} authentication must every client prove who it is?
 * @property {boolean} tls
 */

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const protectedListeners = {
  name: "protected-listeners",
  description: "What listens beyond loopback asks every client for credentials and speaks TLS.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      // Listeners that ask every client for credentials on loopback too, by name.
      authenticated: { type: "array", items: { type: "string" }, default: [] },
    },
  },
  validateStack(args, reportViolation) {
    const { resources } = args;
    const { authenticated } = /** @type {{ authenticated: string[] }} */ (args.getConfig());
    for (const component of hosts(resources).flatMap(({ components }) => components)) {
      for (const { name, address, port, authentication, tls } of /** @type {Listener[]} */ (component.props["listeners"] ?? [])) {
        if (LOOPBACK.test(address)) {
          if (authentication || !authenticated.includes(name)) continue;
          reportViolation(
            `${component.name} listens for ${name} on ${address}:${port} for every user of the host. Set auth: {} of its component.`,
            component.urn,
          );
          continue;
        }
        const missing = [...(authentication ? [] : ["authentication"]), ...(tls ? [] : ["TLS"])];
        if (missing.length === 0) continue;
        reportViolation(
          `${component.name} listens for ${name} on ${address}:${port} without ${missing.join(" and ")}. Let it listen on 127.0.0.1, or turn both on.`,
          component.urn,
        );
      }
    }
  },
};

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const protectedPorts = {
  name: "protected-ports",
  description: "A container publishes its ports on loopback, unless they are listed as protected.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      // Ports of the host whose service has authentication and TLS.
      protected: { type: "array", items: { type: "integer" }, default: [] },
    },
  },
  validateResource(args, reportViolation) {
    const { type, name, props } = args;
    if (type !== CONTAINER) return;
    const allowed = /** @type {{ protected: number[] }} */ (args.getConfig()).protected;
    for (const port of /** @type {{ internal: number, external?: number, ip?: string }[]} */ (props["ports"] ?? [])) {
      if ((port.ip !== undefined && LOOPBACK.test(port.ip)) || allowed.includes(port.external ?? port.internal)) continue;
      reportViolation(
        `Container ${name} publishes port ${port.internal} on ${port.ip ?? "every address"}. Set ip to 127.0.0.1, or add the port to protected of protected-ports ` +
          "in messaging:policies when its service has authentication and TLS.",
      );
    }
    if (props["networkMode"] === "host")
      reportViolation(`Container ${name} shares the host's network. Give it one of its own and publish its ports on 127.0.0.1.`);
  },
};

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const pinnedHostKeys = {
  name: "pinned-host-keys",
  description: "A connection over SSH knows the host's key beforehand.",
  enforcementLevel: "mandatory",
  validateResource({ type, name, props }, reportViolation) {
    if (!type.startsWith("command:remote:")) return;
    const connection = /** @type {{ host?: string, hostKey?: string, proxy?: { host?: string, hostKey?: string } } | undefined} */ (
      props["connection"]
    );
    for (const hop of [connection, connection?.proxy]) {
      if (hop === undefined || hop.hostKey) continue;
      reportViolation(
        `${name} connects to ${hop.host ?? "its host"} without knowing its key: whoever answers there gets the commands. Set hostKey; ssh-keyscan shows it.`,
      );
    }
  },
};

/** Passwords that products and examples ship with. */
const DEFAULTS = [
  "admin",
  "apachepulsar",
  "changeit",
  "changeme",
  "default",
  "guest",
  "password",
  "pulsar",
  "secret",
  "s3cr3t",
  "test",
  "root",
];

/** A key that names a credential, and the literal it is given. A reference (`$VAR`, `${VAR}`, a file, a hash) is none. */
const CREDENTIAL = /^\s*"?(?:[\w.-]*[._-])?(pass(?:word|wd)?|secret|token)"?\s*[:=]\s*"?([^\s"',}#]+)/gim;
const REFERENCE = /^(\$|file:|\/|\.\/|\{|<|\[|true$|false$|null$|none$)/;

/** An address with a password in it. */
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/([^\s/:@"']+):([^\s/@"']+)@/gi;

/**
 * What a reviewer reads: command lines and config files; files of secrets are other tasks.
 * @param {import("@pulumi/policy").ResourceValidationArgs} resource
 * @returns {string[]}
 */
function readable(resource) {
  const { type, props } = resource;
  if (type === CONTAINER) return /** @type {string[]} */ (props["envs"] ?? []);
  if (!COMMAND.test(type)) return [];
  const task = taskOf(resource);
  const lines = ["create", "update", "delete"].map((key) => /** @type {unknown} */ (props[key])).filter((line) => typeof line === "string");
  const text = task === undefined || !["config-file", "file"].includes(task.inputs["TASK"] ?? "") ? [] : [task.body];
  return [...lines, ...text];
}

/** @type {import("@pulumi/policy").ResourceValidationPolicy} */
const noInlinePasswords = {
  name: "no-inline-passwords",
  description: "No default password, and none in a config text, a command line or an address.",
  enforcementLevel: "mandatory",
  validateResource(resource, reportViolation) {
    for (const text of readable(resource)) {
      for (const [, key = "", value = ""] of text.matchAll(CREDENTIAL)) {
        if (REFERENCE.test(value) || /^\$2[aby]\$/.test(value)) continue;
        const known = DEFAULTS.includes(value.toLowerCase()) ? "a default value" : "a value";
        reportViolation(
          `${resource.name} carries ${known} for "${key}" in plain text. Keep it in a secret of the stack and a file of its own.`,
        );
      }
      for (const [, user = "", password = ""] of text.matchAll(ADDRESS)) {
        if (REFERENCE.test(password)) continue;
        reportViolation(
          `${resource.name} carries the password of ${user} in an address. Keep it in a secret of the stack and a file of its own.`,
        );
      }
    }
  },
};

/** @type {import("@pulumi/policy").StackValidationPolicy} */
const servicesNotRoot = {
  name: "services-not-root",
  description: "No service runs as root.",
  enforcementLevel: "mandatory",
  validateStack({ resources }, reportViolation) {
    for (const { name, urn, props, components } of hosts(resources)) {
      if (props["servicesRunAs"] === "root") {
        reportViolation(`The services of host ${name} run as root. Run npm run up as another user, or let the host connect as one.`, urn);
      }
      for (const container of components.flatMap(({ containers }) => containers)) {
        const user = /** @type {unknown} */ (container.props["user"]);
        if (typeof user === "string" && user !== "" && !/^(root|0)(:|$)/.test(user)) continue;
        reportViolation(`Container ${container.name} runs as root. Set user to the one that its image is made for.`, container.urn);
      }
    }
  },
};

module.exports = { protectedListeners, protectedPorts, pinnedHostKeys, noInlinePasswords, servicesNotRoot };

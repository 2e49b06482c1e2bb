"use strict";
// A stack as the policies see it: hosts and the components that they carry, with the plain figures that these register.

/** @typedef {import("@pulumi/policy").PolicyResource} Resource */

/**
 * A component on a host.
 * @typedef {object} Component
 * @property {string} name
 * @property {string} type last part of the resource type, such as `NatsJetStream`
 * @property {string} urn
 * @property {Record<string, any>} props registered outputs; a value that is not known before the up throws when it is read
 * @property {Resource[]} containers Docker containers that it runs
 */

/**
 * @typedef {object} Host
 * @property {string} name key in `messaging:hosts`
 * @property {string} urn
 * @property {Record<string, any>} props registered outputs
 * @property {Component[]} components
 */

/**
 * What a namespace registers; -1 stands for no limit.
 * @typedef {object} Namespace
 * @property {string} name `tenant/namespace`
 * @property {{ minutes: number, mebibytes: number }} [retention] of acknowledged messages; all zero for none
 * @property {{ size?: { limitBytes: number }, time?: { limitSeconds: number } }} [backlogQuota]
 * @property {number} [topics] how many it declares, a partition counts as one
 */

const HOST = "messaging:index:Host";
const COMPONENT = /^messaging:index:(?!Host$)(\w+)$/;
const CONTAINER = "docker:index/container:Container";

/**
 * The nearest of a resource and its parents of which something is true.
 * @param {Resource | undefined} resource
 * @param {(resource: Resource) => boolean} is
 */
function nearest(resource, is) {
  let candidate = resource;
  while (candidate !== undefined && !is(candidate)) candidate = candidate.parent;
  return candidate;
}

/**
 * @param {Resource[]} resources of the whole stack
 * @returns {Host[]}
 */
function hosts(resources) {
  const containers = resources.filter(({ type }) => type === CONTAINER);
  const components = resources.filter(({ type }) => COMPONENT.test(type));
  return resources
    .filter(({ type }) => type === HOST)
    .map((host) => ({
      name: host.name,
      urn: host.urn,
      props: host.props,
      components: components
        .filter((component) => nearest(component.parent, ({ type }) => type === HOST)?.urn === host.urn)
        .map((component) => ({
          name: component.name,
          type: COMPONENT.exec(component.type)?.[1] ?? component.type,
          urn: component.urn,
          props: component.props,
          containers: containers.filter(({ parent }) => nearest(parent, ({ type }) => COMPONENT.test(type))?.urn === component.urn),
        })),
    }));
}

/**
 * Components of one type with their hosts.
 * @param {Resource[]} resources
 * @param {string} type such as `NatsJetStream`
 * @returns {Component[]}
 */
function componentsOf(resources, type) {
  return hosts(resources).flatMap(({ components }) => components.filter((component) => component.type === type));
}

/**
 * The declared namespaces.
 * @param {Component[]} components
 * @returns {{ urn: string, namespace: Namespace }[]}
 */
function namespacesOf(components) {
  return components
    .filter(({ type }) => type === "Namespace")
    .map(({ urn, props }) => ({ urn, namespace: /** @type {Namespace} */ (/** @type {unknown} */ (props)) }));
}

/**
 * A figure of a resource.
 * @param {Record<string, any>} props
 * @param {string} key
 * @returns {number | undefined} undefined where it is absent, is no amount or is not known before the up
 */
function figure(props, key) {
  try {
    const value = /** @type {unknown} */ (props[key]);
    return typeof value === "number" && value >= 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

module.exports = { CONTAINER, hosts, componentsOf, namespacesOf, figure };

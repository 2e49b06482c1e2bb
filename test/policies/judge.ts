import type {
  PolicyResource,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from "@pulumi/policy";
import { policies } from "../../policies/policies";

/** A resource of a stack with those below it, as fixtures write it. */
export interface Tree {
  readonly type: string;
  readonly name: string;
  readonly props?: Record<string, unknown>;
  readonly children?: readonly Tree[];
}

/** Names of every policy of the pack. */
export const names = policies.map(({ name }) => name);

/**
 * What a policy says of a stack, without an engine.
 * @param name of the policy
 * @param config in place of the defaults of its schema
 * @throws Error when the pack has no such policy
 */
export async function judge(name: string, stack: readonly Tree[], config: Record<string, unknown> = {}): Promise<string[]> {
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy === undefined) throw new Error(`the pack has no policy ${name}`);
  const defaults = Object.entries(policy.configSchema?.properties ?? {}).map(([key, schema]): [string, unknown] => [key, schema.default]);
  const settings = { ...Object.fromEntries(defaults), ...config };
  const said: string[] = [];
  const report = (message: string) => void said.push(message);
  const resources = flatten(stack);
  const common = {
    getConfig: (() => settings) as StackValidationArgs["getConfig"],
    stackTags: new Map<string, string>(),
    notApplicable: unused,
  };
  if (isStackPolicy(policy)) {
    await policy.validateStack({ ...common, resources }, report);
  } else {
    const { validateResource } = policy;
    if (typeof validateResource !== "function") throw new Error(`${name} validates nothing`);
    for (const resource of resources) await validateResource({ ...common, ...resource } as ResourceValidationArgs, report);
  }
  return said;
}

function isStackPolicy(policy: StackValidationPolicy | ResourceValidationPolicy): policy is StackValidationPolicy {
  return "validateStack" in policy;
}

function flatten(trees: readonly Tree[], parent?: PolicyResource): PolicyResource[] {
  return trees.flatMap(({ type, name, props = {}, children = [] }) => {
    const resource: PolicyResource = {
      type,
      name,
      props,
      urn: `urn:pulumi:test::messaging::${type}::${name}`,
      ...(parent === undefined ? {} : { parent }),
      dependencies: [],
      propertyDependencies: {},
      opts: {
        protect: false,
        ignoreChanges: [],
        aliases: [],
        customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
        additionalSecretOutputs: [],
      },
      isType: unused,
      asType: unused,
    };
    return [resource, ...flatten(children, resource)];
  });
}

function unused(): never {
  throw new Error("no policy of the pack asks for this");
}

import { execFileSync } from "node:child_process";
import { endWith } from "./program";
import { STACK } from "./stack-state";

interface Resource {
  readonly urn: string;
  readonly parent?: string;
  readonly outputs?: {
    hosts?: Record<string, { readonly paths?: { readonly prefix: string }; readonly facts?: { readonly address?: string } } | undefined>;
  };
}

interface Deployment {
  resources?: Resource[];
  pending_operations?: { readonly resource: Resource }[];
}

/**
 * Drops a host from the stack's state without asking the host, which may be gone for good: what was declared on it is no longer the stack's.
 * @returns what is left behind there, in words
 * @throws Error when the state has no such host
 */
function forget(key: string): string {
  const exported = JSON.parse(pulumi(["stack", "export"])) as { deployment: Deployment };
  const { deployment } = exported;
  const { resources = [], pending_operations: pending = [] } = deployment;
  const hosts = resources.filter(({ urn }) => urn.includes("::messaging:index:Host::"));
  const host = hosts.find(({ urn }) => urn.endsWith(`::${key}`));
  if (host === undefined) {
    const known = hosts.map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2));
    throw new Error(`the stack ${STACK} has no host ${key}; it has ${known.length === 0 ? "none" : known.join(", ")}`);
  }
  const dropped = new Set([host.urn]);
  // A parent comes before its children in a state.
  for (const { urn, parent } of resources) if (parent !== undefined && dropped.has(parent)) dropped.add(urn);
  deployment.resources = resources.filter(({ urn }) => !dropped.has(urn));
  deployment.pending_operations = pending.filter(({ resource }) => !dropped.has(resource.urn));
  const outputs = resources.find(({ urn }) => urn.includes("::pulumi:pulumi:Stack::"))?.outputs?.hosts;
  const left = outputs?.[key];
  if (outputs !== undefined) Reflect.deleteProperty(outputs, key);
  pulumi(["stack", "import"], JSON.stringify(exported));
  const tasks = [...dropped].filter((urn) => urn.includes("command:")).length;
  const where = left?.facts?.address ?? "this machine";
  return (
    `forgot host ${key} with its ${tasks} tasks. Left on ${where}, should it ever run again: services, programs, config and data below ${left?.paths?.prefix ?? "the prefix"}, ` +
    `and, under systemd, units and users named messaging-*.\nTake ${key} out of messaging:hosts too, or the next up sets it up anew.`
  );
}

function pulumi(args: readonly string[], input = ""): string {
  return execFileSync("pulumi", [...args, "--stack", STACK, "--non-interactive"], { encoding: "utf8", input, maxBuffer: 256 * 2 ** 20 });
}

async function main([key, ...others]: readonly string[]): Promise<number> {
  if (key === undefined || others.length > 0) throw new Error("usage: npm run forget -- HOST");
  console.log(forget(key));
  return 0;
}

endWith(main(process.argv.slice(2)));

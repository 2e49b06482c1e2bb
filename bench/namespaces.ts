// What applying namespaces costs: our task against one curl that sends the same policies over one connection, and against pulsar-admin. On one server, in
// turn. Prints, judges nothing.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { namespacesSchema } from "../config/namespaces";
import { FILESYSTEM_DRIVER } from "../render/namespaces";
import { type DeclaredNamespace, declaredNamespaces, namespacesTask } from "../tasks/namespaces";
import { HostShell } from "../test/support/host-shell";
import { PulsarServer } from "../test/support/pulsar-server";
import { say } from "./report";
import { SPREAD, spread } from "./statistics";

const NAMESPACES = 50;
const ROUNDS = 5;
const ADMIN_CALLS = 4;

/** Five policies, and another value of each. */
const POLICIES = [1, 2].map((factor) => ({
  retention: { time: `${factor}h`, size: `${factor}GiB` },
  backlogQuota: { size: { limit: `${factor * 100}MiB` } },
  messageTtl: `${factor}d`,
  maxProducersPerTopic: factor,
  publishRate: { messages: factor * 1000 },
}));

type Policies = (typeof POLICIES)[number];

function declared(tenant: string, policies: Policies): DeclaredNamespace[] {
  const names = Array.from({ length: NAMESPACES }, (_, index) => `${tenant}/n${index}`);
  return declaredNamespaces(namespacesSchema.parse(Object.fromEntries(names.map((name) => [name, policies]))), FILESYSTEM_DRIVER);
}

function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** Applies every namespace with our launcher. @param resource each round has one of its own: what another declares is not undeclared */
function ours(host: HostShell, adminUrl: string, resource: string, all: readonly DeclaredNamespace[]): void {
  const { script, inputs, body } = namespacesTask(adminUrl, all);
  const { status, stderr } = host.task("apply", script, { RESOURCE: resource, ...(inputs as Record<string, string>) }, body);
  if (status !== 0) throw new Error(stderr);
}

/** The same policies as one curl sends them, a POST each over one connection. @param create does it create the namespaces too? */
function curl(adminUrl: string, directory: string, all: readonly DeclaredNamespace[], create: boolean): void {
  const sections = all.flatMap(({ name, policies }) => {
    const path = `${adminUrl}/admin/v2/namespaces/${name}`;
    const posts = Object.entries(policies).map(
      ([policy, value]) =>
        `url = "${path}/${policy}"\nrequest = POST\nheader = "Content-Type: application/json"\ndata = ${JSON.stringify(JSON.stringify(value))}`,
    );
    return [...(create ? [`url = "${path}"\nrequest = PUT`] : []), ...posts];
  });
  const config = join(directory, "curl");
  writeFileSync(config, sections.map((section) => `${section}\nsilent\nshow-error\nfail\nnoproxy = "*"\n`).join("next\n"));
  execFileSync("curl", ["-q", "-K", config, "--fail-early"]);
}

/** Prints the times of both ways of applying and their ratios to curl. */
export async function benchNamespaces(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "messaging-bench-"));
  const host = new HostShell({ name: "this machine", shell: ["sh"], path: undefined });
  const pulsar = await PulsarServer.start();
  try {
    host.installArtifact("gojq", true);
    const results = new Map<string, number[]>();
    const ways: [name: string, tenant: string, work: (all: readonly DeclaredNamespace[], create: boolean, round: number) => void][] = [
      ["one curl", "curl", (all, create) => curl(pulsar.adminUrl, directory, all, create)],
      ["our task", "ours", (all, _create, round) => ours(host, pulsar.adminUrl, `round-${round}-pulsar-namespaces`, all)],
    ];
    // Round 0 warms the server up and is not counted. Who goes first changes.
    for (let round = 0; round <= ROUNDS; round++) {
      const turn = round % ways.length;
      const order = [...ways.slice(turn), ...ways.slice(0, turn)];
      for (const [name, tenant, work] of order) {
        await createTenant(pulsar, `${tenant}${round}`);
        for (const [step, policies] of POLICIES.entries()) {
          const all = declared(`${tenant}${round}`, policies);
          const took = seconds(() => work(all, step === 0, round));
          const result = `${step === 0 ? "create" : "change"}: ${name}`;
          if (round > 0) results.set(result, [...(results.get(result) ?? []), took]);
        }
      }
    }
    const admin: number[] = [];
    for (let call = 1; call <= ADMIN_CALLS; call++) {
      admin.push(
        seconds(() => void pulsar.tool("pulsar-admin", "namespaces", "set-message-ttl", "curl0/n0", "--messageTTL", String(call))),
      );
    }
    print(results, admin);
  } finally {
    await pulsar.stop();
    host.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Prints `create` before `change`, one curl first. */
function print(results: ReadonlyMap<string, readonly number[]>, admin: readonly number[]): void {
  say(`${`${NAMESPACES} namespaces with five policies each (seconds)`.padEnd(46)}${SPREAD}`);
  for (const [name, values] of [...results].sort(([one], [other]) => rank(one) - rank(other))) {
    say(`  ${name.padEnd(44)}${spread(values, 2)}`);
    const reference = results.get(`${name.split(":")[0] ?? ""}: one curl`) ?? [];
    if (reference !== values) {
      say(
        `  ${"  times as long as one curl, round by round".padEnd(44)}${spread(
          values.map((value, round) => value / (reference[round] ?? NaN)),
          2,
        )}`,
      );
    }
  }
  const calls = NAMESPACES * 6;
  say(`  ${`pulsar-admin, one call (${admin.length} measured)`.padEnd(44)}${spread(admin, 2)}`);
  say(
    `  ${`pulsar-admin, ${calls} calls (extrapolated)`.padEnd(44)}${spread(
      admin.map((one) => one * calls),
      0,
    )}`,
  );
}

function rank(name: string): number {
  return (name.startsWith("change") ? 2 : 0) + (name.endsWith("one curl") ? 0 : 1);
}

async function createTenant(pulsar: PulsarServer, tenant: string): Promise<void> {
  const { status, text } = await pulsar.admin("PUT", `tenants/${tenant}`, { adminRoles: [], allowedClusters: ["standalone"] });
  if (status !== 204) throw new Error(`${tenant}: ${text}`);
}

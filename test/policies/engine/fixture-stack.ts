import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { freePorts } from "../../support/temporary";
import { type Result, TestStack } from "../../support/test-stack";
import type { Fixture } from "../fixtures";

const PROJECT = join(__dirname, "..", "..", "..");

/** Previews of fixtures under the pack, with the real engine. */
export class FixtureStack {
  readonly stack: TestStack;
  readonly #project: string;

  private constructor(stack: TestStack) {
    this.stack = stack;
    this.#project = join(stack.directory, "fixture");
  }

  static async open(): Promise<FixtureStack> {
    const fixture = new FixtureStack(await TestStack.forPulumi());
    mkdirSync(fixture.#project);
    const project = {
      name: "fixture",
      runtime: { name: "nodejs", options: { typescript: false } },
      main: join(__dirname, "..", "program"),
    };
    writeFileSync(join(fixture.#project, "Pulumi.yaml"), stringify(project));
    const { status, output } = fixture.stack.pulumi("stack", "init", "test", "--cwd", fixture.#project);
    if (status !== 0) throw new Error(output);
    return fixture;
  }

  /** Previews a fixture: the program with its settings, or its resources alone. */
  async preview({ settings, resources, policies }: Omit<Fixture, "name" | "what">): Promise<Result> {
    if (resources !== undefined) return this.#previewResources(resources, policies);
    await this.configure(settings ?? {});
    return this.stack.operate("preview", "--policy-pack", join(PROJECT, "policies"));
  }

  /** Writes settings as the stack's own, with its prefix and free ports. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const [client, monitoring, broker, web, bookie] = await freePorts(5);
    const ports = { nats: { client, monitoring }, pulsar: { broker, web, bookie } };
    const placed = Object.entries(ports).flatMap(([component, own]) => {
      const given = settings[component] as Record<string, unknown> | undefined;
      return given === undefined ? [] : [[component, { ...given, ports: own }] as const];
    });
    this.stack.configureWithoutNats({ ...settings, ...Object.fromEntries(placed), hosts: { local: { prefix: this.stack.prefix } } });
  }

  /** Did any preview touch the host? */
  get touched(): boolean {
    return existsSync(this.stack.prefix);
  }

  dispose(): void {
    this.stack.dispose();
  }

  #previewResources(resources: NonNullable<Fixture["resources"]>, policies: string | undefined): Result {
    const file = join(this.#project, "resources.json");
    writeFileSync(file, JSON.stringify(resources));
    const settings = join(this.#project, "Pulumi.test.yaml");
    const { encryptionsalt } = parse(readFileSync(settings, "utf8")) as { encryptionsalt: string };
    const config = { "fixture:resources": file, ...(policies === undefined ? {} : { "messaging:policies": policies }) };
    writeFileSync(settings, stringify({ encryptionsalt, config }));
    return this.stack.pulumi("preview", "--non-interactive", "--cwd", this.#project, "--policy-pack", join(PROJECT, "policies"));
  }
}

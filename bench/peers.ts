// A NATS server on a bare host over SSH, in twelve tasks: ours against Ansible and pyinfra, and against as many commands that do nothing. Every tool gets a machine
// of its own for each round. Prints, judges nothing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pinnedVersions } from "../config/pins";
import { Machine, noMachines } from "../test/support/machine";
import { removeDirectory, temporaryDirectory } from "../test/support/temporary";
import { TestStack } from "../test/support/test-stack";
import { executable } from "./artifacts";
import { startFloor } from "./floor/start";
import { succeed } from "./processes";
import { pythonProgram } from "./python";
import { drawInDocs, say } from "./report";
import { median, SPREAD, spread } from "./statistics";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);

/** A tool needs about as many for the work. */
const TASKS = 12;

/** What is timed, in this order, on a machine that has nothing at first. */
const STEPS = ["first apply", "check of what runs", "apply without a change", "apply of one changed line"] as const;
type Step = (typeof STEPS)[number];

/** Of the tools in their order. */
const COLORS = ["#1f618d", "#5499c7", "#d0d0d0", "#c0392b", "#e59866"];

/** A tool that is set on one machine. */
interface Tool {
  /** What a user edits before; it takes no part in the time. */
  edit?(maxConnections: number): void;
  /** Brings the machine to a config. @param maxConnections its one line that changes */
  apply(maxConnections: number): void;
  /** Says what an apply would change, and looks at the machine for that. */
  check(maxConnections: number): void;
  dispose(): void;
}

function python(program: "ansible-playbook" | "pyinfra"): string {
  return pythonProgram(join(__dirname, "peers", "requirements.txt"), program);
}

/** What both peers are told. */
const facts = { nats_version: pinnedVersions("nats")[0], nats_server: executable("nats-server"), nats_cli: executable("nats") };

/** A directory with the private key of a machine in a file. */
function keyOf(machine: Machine): { readonly directory: string; readonly key: string } {
  const directory = temporaryDirectory();
  const key = join(directory, "key");
  writeFileSync(key, machine.privateKey, { mode: 0o600 });
  return { directory, key };
}

function ansible(machine: Machine): Tool {
  const { directory, key } = keyOf(machine);
  const variables = {
    ...facts,
    ansible_port: machine.port,
    ansible_user: "root",
    ansible_ssh_private_key_file: key,
    ansible_ssh_common_args: "-o UserKnownHostsFile=/dev/null",
  };
  const play = (maxConnections: number, ...args: string[]) =>
    succeed(
      python("ansible-playbook"),
      [
        "--inventory",
        "127.0.0.1,",
        "--extra-vars",
        JSON.stringify({ ...variables, max_connections: maxConnections }),
        ...args,
        join(__dirname, "peers/ansible/playbook.yml"),
      ],
      { ANSIBLE_CONFIG: join(__dirname, "peers/ansible/ansible.cfg"), ANSIBLE_HOME: directory },
    );
  return { apply: play, check: (maxConnections) => play(maxConnections, "--check", "--diff"), dispose: () => removeDirectory(directory) };
}

function pyinfra(machine: Machine): Tool {
  const { directory, key } = keyOf(machine);
  const data = Object.entries({
    ...facts,
    ssh_port: machine.port,
    ssh_user: "root",
    ssh_key: key,
    ssh_strict_host_key_checking: "off",
    ssh_known_hosts_file: join(directory, "known_hosts"),
  }).flatMap(([name, value]) => ["--data", `${name}=${value}`]);
  const deploy = (maxConnections: number, ...args: string[]) =>
    succeed(python("pyinfra"), [
      "127.0.0.1",
      join(__dirname, "peers/pyinfra/deploy.py"),
      ...data,
      "--data",
      `max_connections=${maxConnections}`,
      ...args,
    ]);
  return {
    apply: (maxConnections) => deploy(maxConnections, "--yes"),
    check: (maxConnections) => deploy(maxConnections, "--dry"),
    dispose: () => removeDirectory(directory),
  };
}

/** This project. @param wrapped as npm scripts, with the policy pack and a preview before each up, or by the pulumi CLI alone */
async function ours(machine: Machine, wrapped: boolean): Promise<Tool> {
  const stack = wrapped ? await TestStack.forNpmScripts() : await TestStack.forPulumi();
  const configure = (maxConnections: number) => {
    stack.configureWithoutNats({
      hosts: {
        core: { connection: "ssh", host: "127.0.0.1", port: machine.port, user: "root", hostKey: machine.hostKey, components: ["nats"] },
      },
      nats: { maxConnections, jetstream: { maxFileStore: "2GB" } },
    });
    stack.setSecret("hosts.core.privateKey", machine.privateKey);
  };
  const run = (operation: "up" | "preview") => {
    const { status, output } = wrapped ? stack.npmScript(operation) : stack.operate(operation);
    if (status !== 0) throw new Error(output);
  };
  return { edit: configure, apply: () => run("up"), check: () => run("preview"), dispose: () => stack.dispose() };
}

/** As many commands as we have tasks, which do nothing. */
function floor(machine: Machine): Tool {
  const { port, hostKey, privateKey } = machine;
  const stack = startFloor(TASKS, { host: "127.0.0.1", port, user: "root", hostKey, privateKey });
  return { apply: () => stack.up(), check: () => stack.preview(), dispose: () => stack.dispose() };
}

/** Prints the times of each step and tool, and how many times slower than ours. */
export async function benchPeers(): Promise<void> {
  const reason = noMachines();
  if (reason !== undefined) throw new Error(reason);
  const tools: Readonly<Record<string, (machine: Machine) => Tool | Promise<Tool>>> = {
    "ours, npm scripts": (machine) => ours(machine, true),
    "ours, pulumi alone": (machine) => ours(machine, false),
    "commands that do nothing": floor,
    "Ansible, pipelining": ansible,
    pyinfra,
  };
  const times = new Map<string, Map<Step, number[]>>(
    Object.keys(tools).map((name) => [name, new Map(STEPS.map((step): [Step, number[]] => [step, []]))]),
  );
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, start] of Object.entries(tools)) {
      const machine = await Machine.boot([], ["python3"]);
      const tool = await start(machine);
      const timed = (step: Step, work: () => void) => {
        const begin = performance.now();
        work();
        times
          .get(name)
          ?.get(step)
          ?.push((performance.now() - begin) / 1000);
      };
      try {
        tool.edit?.(1000);
        timed("first apply", () => tool.apply(1000));
        timed("check of what runs", () => tool.check(1000));
        timed("apply without a change", () => tool.apply(1000));
        tool.edit?.(1001);
        timed("apply of one changed line", () => tool.apply(1001));
      } finally {
        tool.dispose();
        await machine.dispose();
      }
    }
  }
  const medians = (step: Step) => Object.keys(tools).map((name) => Number(median(times.get(name)?.get(step) ?? []).toFixed(1)));
  drawInDocs("peers.svg", {
    title: "NATS on a host over SSH, twelve tasks (seconds)",
    series: Object.keys(tools).map((name, index) => ({ name, color: COLORS[index] ?? "black" })),
    groups: STEPS.map((step) => ({ name: step, values: medians(step) })),
  });
  for (const step of STEPS) {
    say(`${`NATS on a host over SSH, ${step} (s)`.padEnd(46)}${SPREAD}   of ours`);
    const base = median(times.get("ours, pulumi alone")?.get(step) ?? []);
    for (const name of Object.keys(tools)) {
      const values = times.get(name)?.get(step) ?? [];
      say(`  ${name.padEnd(44)}${spread(values, 1)}${(median(values) / base).toFixed(2).padStart(10)}`);
    }
  }
}

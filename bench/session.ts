// Records the quick start, run for real on the worked example with ports and a prefix of its own, and draws docs/session.svg.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { TestStack } from "../test/support/test-stack";
import { pythonProgram } from "./python";
import { workedExample } from "./up";

const FILE = join(__dirname, "../docs/session.svg");

/** Lines that are shown of a command, from the beginning and from the end of those that have something to say. */
const FIRST = 6;
const LAST = 10;

/** Lines that have something to say: in what Pulumi prints, changes and their sum. */
const SAYS: Readonly<Record<string, RegExp>> = {
  up: / (created|updated) \(|^Resources:|^ +[+~] \d+ |^Duration:/,
  preview: /^ *[-+] |^ *~ (command|messaging).*\(update\)|^Resources:|^ +[+~] \d+ /,
};

const dim = (text: string) => `\u001b[2m${text}\u001b[0m`;

/** Of a command's output what a picture has room for. */
function shortened(script: string, output: string): string[] {
  const says = SAYS[script] ?? /\S/;
  // eslint-disable-next-line no-control-regex -- colours
  const lines = output.split("\n").filter((line) => says.test(line.replace(/\u001b\[[\d;]*m/g, "")));
  const left = lines.length - FIRST - LAST;
  return left <= 1 ? lines : [...lines.slice(0, FIRST), dim(`… ${left} lines …`), ...lines.slice(-LAST)];
}

/** Runs the commands one after the other and draws what they print. @throws Error when one of them fails */
export async function recordSession(): Promise<void> {
  const stack = await TestStack.forNpmScripts();
  const session: string[] = [];
  const run = (script: string, ...args: string[]) => {
    const { status, output } = stack.npmScript(script, ...args, ...(["up", "preview"].includes(script) ? ["--color", "always"] : []));
    if (status !== 0) throw new Error(output);
    session.push(
      `\u001b[1m$ npm run ${script}${args.length === 0 ? "" : ` -- ${args.join(" ")}`}\u001b[0m`,
      ...shortened(script, output),
      "",
    );
  };
  try {
    const settings = await workedExample(stack);
    stack.configureWithoutNats(settings);
    run("up");
    run("status");
    const namespaces = settings["namespaces"] as Record<string, object>;
    const retention = { time: "14d", size: "4GiB" };
    stack.configureWithoutNats({ ...settings, namespaces: { ...namespaces, "arc/agents": { ...namespaces["arc/agents"], retention } } });
    session.push("\u001b[1m$ sed -i 's/time: 7d/time: 14d/' Pulumi.dev.yaml\u001b[0m", "");
    run("preview", "--diff");
    run("up");
    run("drift");
  } finally {
    stack.dispose();
  }
  const places: readonly (readonly [string, string])[] = [
    [stack.prefix, "~/.local/share/messaging"],
    [stack.directory, "~"],
    [join(__dirname, ".."), "~/messaging"],
  ];
  const text = places.reduce((all, [path, name]) => all.replaceAll(path, name), session.join("\n"));
  const python = pythonProgram(join(__dirname, "session/requirements.txt"), "python");
  const { status, stderr } = spawnSync(python, [join(__dirname, "session/draw.py"), "messaging", FILE], { input: text, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  console.log(`drawn: ${FILE}`);
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { lock } from "../hosts/lock";
import { scriptText } from "../hosts/scripts";
import { detachedShell } from "../hosts/ssh";
import { endWith, messageOf } from "./program";
import { type DeployedHost, deployedHosts, STACK } from "./stack-state";

type Verb = "backup" | "restore";

const stack = `messaging/${STACK}`;

/** Runs scripts/backup.sh on a host, its archive in a file of this machine. @throws Error when it fails */
async function transfer({ config, prefix }: DeployedHost, verb: Verb, file: string): Promise<void> {
  const shell = detachedShell(config, scriptText("backup.sh"), [prefix, stack, verb]);
  const archive = openSync(file, verb === "backup" ? "wx" : "r", 0o600);
  const [program = "", ...args] = shell.command;
  try {
    const child = spawn(program, args, { stdio: verb === "backup" ? ["ignore", archive, "inherit"] : [archive, "inherit", "inherit"] });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`${verb} ended with ${code}`);
  } finally {
    shell.remove();
  }
}

/** Does it on one host, which nobody else may change meanwhile. */
async function onOne(host: DeployedHost, verb: Verb, directory: string): Promise<void> {
  const file = join(directory, `${host.key}.tar`);
  const held = await lock(host.config, { prefix: host.prefix, stack });
  if (held === undefined) throw new Error("it cannot be reached");
  try {
    if (verb === "restore") {
      await transfer(host, verb, file);
      return;
    }
    rmSync(`${file}.new`, { force: true });
    await transfer(host, verb, `${file}.new`);
    renameSync(`${file}.new`, file);
  } finally {
    rmSync(`${file}.new`, { force: true });
    await held.release();
  }
}

/**
 * Saves what the hosts of the stack store into a directory, an archive for each host, or brings it back.
 * @throws Error when the directory is not as it has to be, or with what a host says
 */
async function backup(verb: Verb, directory: string): Promise<void> {
  const hosts = deployedHosts();
  if (hosts.length === 0) throw new Error("nothing is deployed; run npm run up first");
  const wrong = hosts.map(({ key }) => join(directory, `${key}.tar`)).filter((file) => existsSync(file) === (verb === "backup"));
  if (wrong.length > 0)
    throw new Error(
      `${wrong.join(", ")}: ${verb === "backup" ? "there is a backup already; choose another directory" : "there is no such backup"}`,
    );
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const host of hosts) {
    console.log(`${verb} of host ${host.key}`);
    await onOne(host, verb, directory).catch((error: unknown) => {
      throw new Error(`host ${host.key}: ${messageOf(error)}`);
    });
  }
  console.log(verb === "backup" ? `saved in ${directory}` : "restored; npm run preview shows where it is not as declared");
}

async function main([verb, directory, ...others]: readonly string[]): Promise<number> {
  if ((verb !== "backup" && verb !== "restore") || directory === undefined || others.length > 0)
    throw new Error(`usage: npm run ${verb ?? "backup"} -- DIRECTORY`);
  await backup(verb, resolve(process.env["INIT_CWD"] ?? "", directory));
  return 0;
}

endWith(main(process.argv.slice(2)));

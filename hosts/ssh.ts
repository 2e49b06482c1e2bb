import type { types } from "@pulumi/command";
import { execFileSync, spawn } from "node:child_process";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ANY_HOST_KEY,
  type DockerConfig,
  type HostConfig,
  pinnedHostKey,
  type SshHostConfig,
  type SshLogin,
  USUAL_ENGINE,
} from "../config/hosts";
import type { EngineAccess } from "./docker";
import { feed, RunFailed, runLocal, type RunOptions, type RunProgram } from "./run";

/** A server that cannot be reached now, which is not the same as one that refuses us. */
export class HostGone extends Error {}

/** Seconds for each attempt to connect. */
const DIAL_SECONDS = 10;

/** How often a task tries to connect before it fails: a busy sshd turns some connections away (MaxStartups). */
const DIAL_ATTEMPTS = 6;

/** The connection of a host for the resources of @pulumi/command. */
export function resourceConnection(host: SshHostConfig): types.input.remote.ConnectionArgs {
  return { ...loginArguments(host), ...(host.jump === undefined ? {} : { proxy: loginArguments(host.jump) }) };
}

/** How the provider of Docker reaches the engine of a host. It starts ssh by itself, which asks the agent of SSH_AUTH_SOCK and needs no files of ours. */
export function engineAccess(host: HostConfig, { engine }: Pick<DockerConfig, "engine">): EngineAccess {
  if (host.connection === "local") return { host: engine };
  const key = pinnedHostKey(host);
  const options = {
    BatchMode: "yes",
    ConnectTimeout: DIAL_SECONDS,
    GlobalKnownHostsFile: "/dev/null",
    UserKnownHostsFile: "/dev/null",
    LogLevel: "ERROR",
    StrictHostKeyChecking: key === undefined ? "no" : "yes",
    // %H is the name that is looked up.
    ...(key === undefined ? {} : { KnownHostsCommand: `/bin/echo %H ${key}`, HostKeyAlgorithms: hostKeyAlgorithms(key) }),
  };
  const socket = engine === USUAL_ENGINE ? "" : new URL(engine).pathname;
  return {
    host: `ssh://${host.user}@${host.host}:${host.port}${socket}`,
    sshOpts: ["-F", "none", ...Object.entries(options).flatMap(([option, value]) => ["-o", `${option}=${value}`])],
  };
}

/** What a connection of a resource says in the state, as far as it is read here. */
export interface StoredConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey?: string;
  readonly hostKey?: string;
  readonly proxy?: Omit<StoredConnection, "proxy">;
}

/** The host that a resource was applied to, from its connection. @param become do its tasks run as root by sudo? */
export function storedHost({ proxy, ...login }: StoredConnection, become: boolean): SshHostConfig {
  return {
    connection: "ssh",
    services: "auto",
    ...storedLogin(login),
    ...(proxy === undefined ? {} : { jump: storedLogin(proxy) }),
    ...(become ? { become: "sudo" } : {}),
  };
}

function storedLogin({ host, port, user, privateKey, hostKey = ANY_HOST_KEY }: Omit<StoredConnection, "proxy">): SshLogin {
  return { host, port, user, hostKey, ...(privateKey === undefined ? { agent: true } : { privateKey }) };
}

/** Brings a file of this machine to a path on a host, as the user that logs in. */
type BringFile = (file: string, remotePath: string) => Promise<void>;

/** One connection to a host for everything that a run asks of it; this machine needs none. */
export interface HostConnection {
  /**
   * Runs shell programs there once it is connected.
   * @throws HostGone when nobody answers there; Error when the server has another host key or refuses the user
   */
  readonly use: <T>(work: (run: RunProgram, bring: BringFile) => Promise<T>) => Promise<T>;
  readonly close: () => void;
}

/** Begins to connect to a host. */
export function connect(config: HostConfig): HostConnection {
  if (config.connection === "local") {
    return {
      use: (work) => work(runLocal, () => Promise.reject(new Error("nothing is copied to this very machine"))),
      close: () => undefined,
    };
  }
  const connection = new SshConnection(config);
  const connected = connection.connect();
  // Whoever uses it gets to know.
  connected.catch(() => undefined);
  return {
    use: async (work) => {
      await connected;
      return work(
        (program, args, options) => connection.run(program, args, options),
        (file, remotePath) => connection.bring(file, remotePath),
      );
    },
    close: () => connection.close(),
  };
}

/** Runs shell programs on a host, over one connection where it is another machine. @throws as HostConnection.use does */
export async function onHost<T>(config: HostConfig, work: (run: RunProgram, bring: BringFile) => Promise<T>): Promise<T> {
  const connection = connect(config);
  try {
    return await connection.use(work);
  } finally {
    connection.close();
  }
}

/** How a shell program is started that goes on beside everything else, on a connection of its own where it runs on another machine. */
export interface DetachedShell {
  /** Program and arguments; its standard input is the shell program's. */
  readonly command: readonly string[];
  /** What the connection needs as long as it lasts: a directory, and an empty name where there is none. */
  readonly directory: string;
  /** Removes the directory. */
  readonly remove: () => void;
}

/** A shell program on a host as a command. @param args of the program, without line breaks */
export function detachedShell(config: HostConfig, program: string, args: readonly string[]): DetachedShell {
  const shell = ["sh", "-c", program, "sh", ...args];
  return config.connection === "local" ? { command: shell, directory: "", remove: () => undefined } : SshConnection.detached(config, shell);
}

/** The algorithms by which a server proves to have a key. */
function hostKeyAlgorithms(key: string): string {
  return key.startsWith("ssh-rsa ") ? "rsa-sha2-512,rsa-sha2-256" : (key.split(" ")[0] ?? "");
}

function loginArguments(login: SshLogin) {
  const hostKey = pinnedHostKey(login);
  return {
    host: login.host,
    port: login.port,
    user: login.user,
    dialErrorLimit: DIAL_ATTEMPTS,
    perDialTimeout: DIAL_SECONDS,
    // Without a key the agent that SSH_AUTH_SOCK names is asked, by the plugin itself: its path is another in each session.
    ...(login.privateKey === undefined ? {} : { privateKey: login.privateKey }),
    ...(hostKey === undefined ? {} : { hostKey }),
  };
}

/** One connection to a host over the system's ssh, shared by everything that a run asks of it. */
class SshConnection {
  readonly #host: SshHostConfig;
  readonly #directory = mkdtempSync(join(tmpdir(), "ssh-"));

  constructor(host: SshHostConfig) {
    this.#host = host;
    writeFileSync(
      this.#file("config"),
      `${this.#section("host", host)}${host.jump === undefined ? "" : this.#section("jump", host.jump)}`,
      { mode: 0o600 },
    );
  }

  /** A command there, as root where the config says `become: sudo`, over a connection of its own that lives as long as the command. */
  static detached(host: SshHostConfig, command: readonly string[]): DetachedShell {
    const connection = new SshConnection(host);
    const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    return {
      command: ["ssh", ...connection.#options(), "host", host.become === "sudo" ? `sudo -n ${quoted}` : quoted],
      directory: connection.#directory,
      remove: () => rmSync(connection.#directory, { recursive: true, force: true }),
    };
  }

  /**
   * Runs a shell program there, as root where the config says `become: sudo`. Nothing of ours has to be installed; LOGIN_HOME is the home of the user that
   * logs in.
   * @returns what it prints
   * @throws RunFailed as feed does
   */
  async run(program: string, args: readonly string[], options?: RunOptions): Promise<string> {
    const shell = `env LOGIN_HOME="$HOME" sh -s -- ${args.map((arg) => `'${arg}'`).join(" ")}`;
    const command = this.#host.become === "sudo" ? `sudo -n ${shell}` : shell;
    try {
      return await feed("ssh", [...this.#options(), "host", command], program, options);
    } catch (error) {
      const said = error instanceof RunFailed ? error.message.split("\n") : [];
      const sudo = said.reverse().find((line) => line.startsWith("sudo: "));
      if (sudo === undefined) throw error;
      const reason = `become: ${sudo}; ${this.#host.user} has to be allowed to run everything without a password`;
      throw new RunFailed(reason, { cause: error });
    }
  }

  /** Copies a file there. @throws RunFailed as feed does, after ten minutes at the latest */
  async bring(file: string, remotePath: string): Promise<void> {
    await feed("ssh", [...this.#options(), "host", `cat >'${remotePath}'`], createReadStream(file), { timeoutSeconds: 600 });
  }

  #options(): string[] {
    return ["-F", this.#file("config"), "-T"];
  }

  #file(name: string): string {
    return join(this.#directory, name);
  }

  /** A host of ssh's own configuration, so that neither the user's settings nor the process list have a part in it. */
  #section(name: "host" | "jump", login: SshLogin): string {
    const key = pinnedHostKey(login);
    const known = this.#file(`known_hosts_${name}`);
    writeFileSync(known, key === undefined ? "" : `${name} ${key}\n`, { mode: 0o600 });
    const options: Record<string, string | number> = {
      HostName: login.host,
      Port: login.port,
      User: login.user,
      HostKeyAlias: name,
      UserKnownHostsFile: known,
      GlobalKnownHostsFile: "/dev/null",
      StrictHostKeyChecking: key === undefined ? "no" : "yes",
      BatchMode: "yes",
      ConnectTimeout: DIAL_SECONDS,
      ServerAliveInterval: 15,
      LogLevel: "ERROR",
      ...(key === undefined ? {} : { HostKeyAlgorithms: hostKeyAlgorithms(key) }),
      ...(login.privateKey === undefined
        ? {}
        : { IdentityFile: this.#identity(name, login.privateKey), IdentitiesOnly: "yes", IdentityAgent: "none" }),
      ...(name === "host" ? { ControlPath: this.#file("socket") } : {}),
      ...(name === "host" && this.#host.jump !== undefined ? { ProxyCommand: `ssh -F ${this.#file("config")} -W %h:%p jump` } : {}),
    };
    return `Host ${name}\n${Object.entries(options)
      .map(([option, value]) => `  ${option} ${value}\n`)
      .join("")}`;
  }

  #identity(name: string, privateKey: string): string {
    const file = this.#file(`identity_${name}`);
    writeFileSync(file, `${privateKey.trim()}\n`, { mode: 0o600 });
    return file;
  }

  /**
   * Starts the shared connection in the background; what is run later goes through it.
   * @throws HostGone when nobody answers there; Error when the server has another host key or refuses the user
   */
  async connect(): Promise<void> {
    const master = spawn("ssh", [...this.#options(), "-f", "-N", "-o", "ControlMaster=yes", "-o", "ControlPersist=no", "host"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    master.stderr.on("data", (piece: Buffer) => (said += piece.toString()));
    const status = await new Promise<number | null>((resolve, reject) => {
      master.on("error", (error) => reject(new Error(`ssh cannot be run: ${error.message}`)));
      // Not "close": the process in the background keeps standard error.
      master.on("exit", resolve);
    });
    master.stderr.destroy();
    if (status === 0) return;
    const { host, port, user } = this.#host;
    const at = `${user}@${host}:${port}`;
    const reason = said.trim().split("\n").at(-1) ?? "";
    if (/host key|HOST IDENTIFICATION/i.test(said)) {
      throw new Error(
        `${at}: the server has not the pinned host key. If it was set up anew, pin its new key; if not, somebody is in between`,
      );
    }
    if (/permission denied|too many authentication|no such identity|error in libcrypto|invalid format/i.test(said))
      throw new Error(`${at}: ${reason}`);
    throw new HostGone(`${at}: ${reason === "" ? `ssh ended with ${status}` : reason}`);
  }

  close(): void {
    try {
      execFileSync("ssh", [...this.#options(), "-O", "exit", "host"], { stdio: "ignore" });
    } catch {
      // There is none when the server has gone away meanwhile.
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { userInfo } from "node:os";
import { run } from "./processes";
import { freePorts, removeDirectory, temporaryDirectory } from "./temporary";

/** Where Debian and others keep initdb and pg_ctl, which are not on PATH. */
function programs(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const candidates = [...versions.map((version) => join(debian, version, "bin")), ...(process.env["PATH"] ?? "").split(":")];
  return candidates.find((directory) => existsSync(join(directory, "initdb")));
}

/** Why PostgreSQL is not there, or undefined. In CI it is an error, elsewhere the suite says so. */
export const POSTGRESQL_MISSING =
  programs() === undefined ? "PostgreSQL is not installed (apt install postgresql, brew install postgresql)" : undefined;
if (POSTGRESQL_MISSING !== undefined && process.env["CI"] === "true") throw new Error(POSTGRESQL_MISSING);

/** A PostgreSQL server on a free port of 127.0.0.1 with one database, `events`, its data in a temporary directory. */
export class PostgreSQL {
  readonly dsn: string;
  readonly #directory = temporaryDirectory();
  readonly #port: number;
  readonly #password: string | undefined;

  private constructor(port: number, password: string | undefined) {
    this.#port = port;
    this.#password = password;
    this.dsn = `postgres://events@127.0.0.1:${port}/events?sslmode=disable`;
  }

  /** @param password of the user `events`; undefined: everybody may be anybody */
  static async start(password?: string): Promise<PostgreSQL> {
    const [port = 0] = await freePorts(1);
    const server = new PostgreSQL(port, password);
    chmodSync(server.#directory, 0o755);
    const file = join(server.#directory, "password");
    writeFileSync(file, password ?? "none");
    if (userInfo().uid === 0) run("chown", "nobody", server.#directory, file);
    const auth = ["--auth", password === undefined ? "trust" : "scram-sha-256", "--pwfile", file];
    server.#run("initdb", "-D", server.#data, "-U", "events", ...auth, "--no-sync");
    server.up();
    server.sql("CREATE DATABASE events", "postgres");
    return server;
  }

  /** Starts it (again) and waits until it answers. */
  up(): void {
    const options = `-p ${this.#port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off`;
    this.#run("pg_ctl", "-D", this.#data, "-l", join(this.#data, "log"), "-o", options, "-w", "-t", "60", "start");
  }

  /** Stops it at once. */
  down(): void {
    this.#run("pg_ctl", "-D", this.#data, "-m", "immediate", "-w", "stop");
  }

  /** Stops it and removes its data. */
  remove(): void {
    this.down();
    removeDirectory(this.#directory);
  }

  /** Runs SQL. @returns what psql prints, fields separated by `|` */
  sql(statement: string, database = "events"): string {
    const args = ["-h", "127.0.0.1", "-p", String(this.#port), "-U", "events", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement, database];
    const { status, stdout, stderr } = spawnSync("psql", args, { encoding: "utf8", env: { ...process.env, PGPASSWORD: this.#password } });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  get #data(): string {
    return join(this.#directory, "data");
  }

  /** PostgreSQL refuses to run as root. */
  #run(program: string, ...args: string[]): void {
    const command = [join(programs() ?? "", program), ...args];
    if (userInfo().uid === 0) run("setpriv", "--reuid", "nobody", "--clear-groups", "--inh-caps=-all", "--", ...command);
    else run(command[0] ?? "", ...command.slice(1));
  }
}

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, Server } from "./processes";
import { eventually, freePorts, removeDirectory, temporaryDirectory } from "./temporary";

/** An sshd of this machine on 127.0.0.1, and an agent that has the key to it. */
export class Sshd {
  readonly directory = temporaryDirectory();
  /** As in SSH_AUTH_SOCK. */
  readonly agent = join(this.directory, "agent");
  /** As in authorized_keys: type and base64. */
  readonly hostKey: string;
  readonly #servers: readonly Server[];

  private constructor(readonly port: number) {
    const file = (name: string) => join(this.directory, name);
    for (const name of ["host", "user"]) run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(name));
    this.hostKey = readFileSync(file("host.pub"), "utf8").split(" ").slice(0, 2).join(" ");
    const config = {
      ListenAddress: `127.0.0.1:${port}`,
      HostKey: file("host"),
      AuthorizedKeysFile: file("user.pub"),
      // The keys lie in a directory that everybody may write to.
      StrictModes: "no",
      PidFile: "none",
      Subsystem: "sftp internal-sftp",
    };
    writeFileSync(
      file("config"),
      Object.entries(config)
        .map(([key, value]) => `${key} ${value}\n`)
        .join(""),
    );
    // It takes this directory and its own absolute path.
    mkdirSync("/run/sshd", { recursive: true });
    const sshd = run("sh", "-c", "command -v sshd").trim();
    this.#servers = [
      new Server([sshd, "-D", "-e", "-f", file("config")], file("sshd.log")),
      new Server(["ssh-agent", "-D", "-a", this.agent], file("agent.log")),
    ];
  }

  /** Starts both and waits until they answer. */
  static async start(): Promise<Sshd> {
    const [port = 0] = await freePorts(1);
    const sshd = new Sshd(port);
    for (const server of sshd.#servers) server.start();
    const answers = (program: string, ...args: string[]) =>
      spawnSync(program, args, { env: { ...process.env, SSH_AUTH_SOCK: sshd.agent } }).status === 0;
    await eventually("the agent has the key", 20, () => answers("ssh-add", "-q", join(sshd.directory, "user")));
    await eventually("sshd answers", 20, () => answers("bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${port} && read -r -t 2 -u 3 banner`));
    return sshd;
  }

  /** Stops both and removes what there is of them. */
  async dispose(): Promise<void> {
    for (const server of this.#servers) await server.stop("SIGTERM");
    removeDirectory(this.directory);
  }
}

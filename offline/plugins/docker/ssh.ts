import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";

/** Connects to the engine of a host by the host's own docker CLI over the system's ssh, as the docker CLI and the official plugin do. */
export class SshAgent extends Agent {
  readonly #args: readonly string[];

  /**
   * @param address as in DOCKER_HOST: `ssh://user@host:port`, and the path of the socket where it is another than usual
   * @param options of ssh
   */
  constructor(address: string, options: readonly string[]) {
    // A busy sshd turns away those that come at once (MaxStartups).
    super({ maxSockets: 4 });
    const { hostname, port, pathname, username } = new URL(address);
    const login = [...(username === "" ? [] : ["-l", username]), ...(port === "" ? [] : ["-p", port])];
    const socket = pathname === "" || pathname === "/" ? [] : ["--host", `unix://${pathname}`];
    this.#args = [...options, ...login, "--", hostname, "docker", ...socket, "system", "dial-stdio"];
  }

  /** One ssh for each connection. */
  override createConnection(): Duplex {
    return new SshConnection(spawn("ssh", this.#args));
  }
}

/** Standard input and output of an ssh; what it says when it fails is the reason. */
class SshConnection extends Duplex {
  readonly #ssh: ChildProcessWithoutNullStreams;

  constructor(ssh: ChildProcessWithoutNullStreams) {
    super();
    this.#ssh = ssh;
    let said = "";
    ssh.stderr.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    ssh.stdout.on("data", (piece: Buffer) => {
      if (!this.push(piece)) ssh.stdout.pause();
    });
    // It may end before it has read everything; its status tells.
    ssh.stdin.on("error", () => undefined);
    ssh.on("error", (error) => this.destroy(error));
    ssh.on("close", (status) => {
      if (status === 0) this.push(null);
      else this.destroy(new Error(`the engine cannot be reached over ssh: ${said.trim()}`));
    });
  }

  override _read(): void {
    this.#ssh.stdout.resume();
  }

  override _write(piece: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#ssh.stdin.write(piece, done);
  }

  override _final(done: () => void): void {
    this.#ssh.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ssh.kill();
    done(error);
  }
}

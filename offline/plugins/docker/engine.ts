import Docker from "dockerode";
import { text } from "../common/inputs";
import type { PropertyMap } from "../common/values";
import { SshAgent } from "./ssh";

/** The way to the engine, known once the provider is configured. */
export class Engine {
  #docker: Docker | undefined;

  /** @param config of the provider; `host` as in DOCKER_HOST, whose value counts without one, and `sshOpts`, options of ssh as JSON */
  configure(config: PropertyMap): void {
    const host = text(config, "host") ?? process.env["DOCKER_HOST"];
    const sshOptions = JSON.parse(text(config, "sshOpts") ?? "[]") as string[];
    this.#docker = new Docker(connection(host ?? "unix:///var/run/docker.sock", sshOptions));
  }

  get docker(): Docker {
    return (this.#docker ??= new Docker());
  }
}

/** @throws Error when an address is of another kind than unix, tcp or ssh */
function connection(host: string, sshOptions: readonly string[]): Docker.DockerOptions {
  const { protocol, hostname, port, pathname } = new URL(host);
  switch (protocol) {
    case "unix:":
      return { socketPath: pathname };
    case "tcp:":
      return { protocol: "http", host: hostname, port: port === "" ? 2375 : Number(port) };
    case "ssh:": {
      // Types do not know that docker-modem takes an agent.
      const options: Docker.DockerOptions & { readonly agent: SshAgent } = {
        protocol: "http",
        host: "docker",
        agent: new SshAgent(host, sshOptions),
      };
      return options;
    }
    default:
      throw new Error(`host: got "${host}"; allowed: an address that begins with unix://, tcp:// or ssh://`);
  }
}

/** Does the engine say that there is no such thing? */
export function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** Resolves also when the engine says that there is no such thing. */
export async function unlessAbsent(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
  });
}

/** What is there of a thing, or undefined when the engine says that there is no such thing. */
export async function ifPresent<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
}

function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
}

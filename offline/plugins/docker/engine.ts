import Docker from "dockerode";
import { text } from "../common/inputs";
import type { PropertyMap } from "../common/values";

/** The way to the engine, known once the provider is configured. */
export class Engine {
  #docker: Docker | undefined;

  /** @param config of the provider; `host` as in DOCKER_HOST, whose value counts without one */
  configure(config: PropertyMap): void {
    const host = text(config, "host") ?? process.env["DOCKER_HOST"];
    this.#docker = new Docker(connection(host ?? "unix:///var/run/docker.sock"));
  }

  get docker(): Docker {
    return (this.#docker ??= new Docker());
  }
}

/** @throws Error when an address is of another kind than unix, tcp or ssh */
function connection(host: string): Docker.DockerOptions {
  const { protocol, hostname, port, pathname, username } = new URL(host);
  switch (protocol) {
    case "unix:":
      return { socketPath: pathname };
    case "tcp:":
      return { protocol: "http", host: hostname, port: port === "" ? 2375 : Number(port) };
    case "ssh:": {
      const agent = process.env["SSH_AUTH_SOCK"];
      return {
        protocol: "ssh",
        host: hostname,
        port: port === "" ? 22 : Number(port),
        username,
        ...(agent === undefined ? {} : { sshOptions: { agent } }),
      };
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

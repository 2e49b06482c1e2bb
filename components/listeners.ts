/** A socket that a component opens, as policies read it. */
export interface Listener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Must every client prove who it is? */
  readonly authentication: boolean;
  readonly tls: boolean;
}

/**
 * The listeners of a component: all on loopback.
 * @param ports by name
 * @param guards what a listener asks of its clients, by name; by default it is open to every user of the host and has no TLS
 */
export function listeners(
  ports: Readonly<Record<string, number>>,
  guards: Readonly<Record<string, Partial<Pick<Listener, "authentication" | "tls">>>> = {},
): Listener[] {
  return Object.entries(ports).map(([name, port]) => ({
    name,
    address: "127.0.0.1",
    port,
    authentication: false,
    tls: false,
    ...guards[name],
  }));
}

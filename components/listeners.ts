/** A socket that a component opens, as policies read it. */
export interface Listener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Must every client prove who it is? */
  readonly authentication: boolean;
  readonly tls: boolean;
}

/** The listeners of a component: all on loopback, open to every user of the host, and without TLS. @param ports by name */
export function listeners(ports: Readonly<Record<string, number>>): Listener[] {
  return Object.entries(ports).map(([name, port]) => ({ name, address: "127.0.0.1", port, authentication: false, tls: false }));
}

/** Files that a server speaks TLS with. */
export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
  /** Whose certificates every client has to show one of; undefined: none is asked. */
  readonly clientAuthority?: string | undefined;
}

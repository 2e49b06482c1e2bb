import type { ComponentName } from "./hosts";

/** What installing a component takes on a host: bytes of disk, archive and tree together (measured), and programs of the system. */
const FOOTPRINTS: Readonly<Record<ComponentName, { readonly diskBytes: number; readonly programs: readonly string[] }>> = {
  nats: { diskBytes: 100e6, programs: [] },
  // Its start script is written for bash; its admin API is asked with curl.
  pulsar: { diskBytes: 1600e6, programs: ["bash", "curl"] },
  // Its HTTP API is asked with curl; the DuckDB CLI is with it.
  benthos: { diskBytes: 250e6, programs: ["curl"] },
  // Its web interface and promtool are with it.
  monitoring: { diskBytes: 150e6, programs: ["dpkg-deb"] },
};

/** Free bytes that a bare host needs before anything is installed. */
export function installBytes(components: readonly ComponentName[]): number {
  return components.reduce((sum, name) => sum + FOOTPRINTS[name].diskBytes, 0);
}

/** Programs of the system that components need besides a POSIX shell and its utilities. */
export function neededPrograms(components: readonly ComponentName[]): string[] {
  return [...new Set(components.flatMap((name) => FOOTPRINTS[name].programs))];
}

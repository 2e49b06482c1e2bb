import { isDryRun } from "@pulumi/pulumi/runtime/settings";
import type { HostConfig } from "../config/hosts";
import { prefixOf } from "./layout";
import { enginePid, lockWhile } from "./lock";
import { connect, type HostConnection } from "./ssh";
import { stackKey } from "./task";

/** A host that this run has begun to connect to. */
export interface ConnectedHost {
  readonly connection: HostConnection;
  /** Who else has the lock that an update needs; undefined when this run has it, needs none, or cannot reach the host. */
  readonly holder: Promise<string | undefined>;
}

/**
 * Begins to connect to hosts, each by its key, and in an update to lock them for this run until it has ended, deletions included, which come after this
 * program. Imports as little as it can: the rest is loaded while the hosts answer.
 */
export function connectHosts(hosts: Readonly<Record<string, HostConfig>>): ReadonlyMap<string, ConnectedHost> {
  const pid = isDryRun() ? undefined : enginePid();
  return new Map(
    Object.entries(hosts).map(([key, config]) => {
      const holder =
        pid === undefined ? Promise.resolve(undefined) : lockWhile(config, { prefix: prefixOf(config), stack: stackKey(), pid });
      // Whoever asks gets to know.
      holder.catch(() => undefined);
      return [key, { connection: connect(config), holder }];
    }),
  );
}

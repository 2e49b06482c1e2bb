import { pinnedVersions } from "../../config/pins";
import type { Drift } from "./drift";

/** A host of a test stack that carries NATS, as far as edits by hand go by it. */
export interface NatsHost {
  readonly key: string;
  /** Connection and service manager. */
  readonly where: string;
  readonly maxConnections: number;
  readonly manager: NatsManager;
  /** Does this machine copy what is installed there? */
  readonly copied?: boolean;
  /** Tasks that come after the proof of the server. */
  readonly after?: readonly string[];
  /** Runs a shell command there, which takes the stack's prefix from PREFIX. @throws Error when it fails */
  readonly exec: (command: string) => unknown;
}

/** What keeps the server alive, and how somebody gets in its way; shell commands as NatsHost.exec runs them. */
export interface NatsManager {
  /** Folder of etc that holds the definition. */
  readonly folder: string;
  /** A line of the definition, and what it is changed to. */
  readonly line: readonly [from: string, to: string];
  /** Stops the server. */
  readonly stop: string;
  /** Has it read its config again. */
  readonly reload: string;
}

/** Shell function that changes a line of the one file whose name begins like that and goes on after a dot; fails where the line is not there. */
const EDIT = `edit() { file=$(ls "$1".*) && grep -q "$2" "$file" && text=$(sed "s/$2/$3/" "$file") && printf '%s\\n' "$text" >"$file"; }`;

/** The edits by hand that every kind of host can have. */
export function natsDrifts({ key, where, maxConnections, manager, copied = false, after = [], exec }: NatsHost): Drift[] {
  const service = [`${key}-nats-server-service`];
  const proof = [`${key}-nats-verify`, ...after];
  const cli = {
    tasks: [`${key}-nats-cli`],
    followers: [...(copied ? [`${key}-nats-cli-copy`] : []), `${key}-nats-context`, ...proof],
  };
  const version = pinnedVersions("nats")[0];
  const config = "$PREFIX/etc/nats/nats-server.conf";
  const shell = (...commands: readonly string[]) => void exec(["set -eu", EDIT, ...commands].join("\n"));
  const limit = (connections: number) => `max_connections: ${connections}`;
  const drifts: Omit<Drift, "where">[] = [
    {
      name: "config line edited",
      edit: () => shell(`edit ${config} "${limit(maxConnections)}" "${limit(5)}"`),
      shown: new RegExp(`# expected: .*: ${limit(maxConnections)} # reload\\n *\\+ # found: {4}.*: ${limit(5)} # reload`),
      tasks: [`${key}-nats-config`, ...service],
      followers: proof,
    },
    {
      name: "link deleted",
      edit: () => shell(`rm ${config}`),
      shown: /# expected: .*nats-server\.conf -> nats-server\.conf\.[0-9a-f]{12}\n[^]*# found: {4}.*nats-server\.conf -> absent/,
      tasks: service,
      followers: proof,
    },
    {
      name: "link repointed",
      edit: () => shell("ln -sfn elsewhere $PREFIX/opt/nats/current"),
      shown: new RegExp(`# expected: .*current -> ${version}\\n *\\+ # found: {4}.*current -> elsewhere`),
      ...cli,
    },
    {
      name: "service stopped",
      edit: () => shell(manager.stop),
      shown: /# found: {4}nats-server stopped.*, does not answer/,
      tasks: service,
      followers: proof,
    },
    {
      name: "unit edited",
      edit: () => shell(`edit $PREFIX/etc/${manager.folder}/nats-server '${manager.line[0]}' '${manager.line[1]}'`),
      shown: new RegExp(`# expected: .*: *${manager.line[0]}\\n *\\+ # found: {4}.*: *${manager.line[1]}`),
      tasks: [`${key}-nats-server-definition`],
      followers: [...service, ...proof],
    },
    {
      name: "running config is not the file's",
      edit: () =>
        shell(
          `edit ${config} "${limit(maxConnections)}" "${limit(7)}"`,
          manager.reload,
          "sleep 1",
          `edit ${config} "${limit(7)}" "${limit(maxConnections)}"`,
        ),
      shown: new RegExp(`# expected: in effect: max_connections ${maxConnections}\\n *\\+ # found: {4}in effect: max_connections 7`),
      tasks: service,
      followers: proof,
    },
    {
      name: "change cut off between file and restart",
      edit: () =>
        shell(
          `sed "s/${limit(maxConnections)}/${limit(2000)}/" ${config}.* >${config}.000000000000`,
          `ln -sfn nats-server.conf.000000000000 ${config}`,
        ),
      shown: /# found: {4}.*nats-server\.conf -> nats-server\.conf\.000000000000/,
      tasks: service,
      followers: proof,
    },
    {
      name: "binary altered",
      edit: () => shell(`printf x >>$PREFIX/opt/nats/${version}/nats`),
      shown: new RegExp(`# expected: nats ${version} contents .*\\n *\\+ # found: {4}nats ${version} contents `),
      ...cli,
    },
  ];
  return drifts.map((drift) => ({ where, ...drift }));
}

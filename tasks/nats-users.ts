import * as pulumi from "@pulumi/pulumi";
import { derived, nkey } from "../config/credentials";
import { type NatsAuth, natsUsers, validGenerations } from "../config/nats-auth";
import { digest } from "../hosts/scripts";
import type { Follows, Host, Task } from "../hosts/host";
import { natsAccounts } from "../render/nats-accounts";
import { file } from "./file";
import { secretFile } from "./secret-file";
import { generationSecrets, type Secret } from "./secrets";

/** The users of a NATS server on a host. */
export interface NatsUsers {
  /** Their accounts are in the file that the server's config includes. */
  readonly accounts: Task;
  /** Path of the operator's key, for the tasks and the nats CLI. */
  readonly keyPath: string;
  /** What the server and its proof follow. */
  readonly follows: Follows;
  /** The key of each user, by name. */
  readonly keys: Readonly<Record<string, Secret>>;
  /** The same as an output. */
  readonly seeds: pulumi.Output<Readonly<Record<string, string>>>;
}

/**
 * Declares the users of a server: their keys and the accounts that have them. The server gets to know public keys only. Keys of the generation before stay valid as long as the config says so.
 */
export function natsUserTasks(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly auth: NatsAuth; readonly group: string | undefined; readonly after: readonly Task[] },
): NatsUsers {
  const users = natsUsers(args.auth);
  const masters = generationSecrets(parent, `${host.key}-nats-keys`, validGenerations(args.auth));
  const [current] = masters;
  if (current === undefined) throw new Error("no generation of keys is valid");
  const keyOf = (master: string, name: string) => nkey(derived(master, `${host.key}/nats/${name}`));
  const secretOf = (name: string): Secret => ({ text: current.apply((master) => `${keyOf(master, name).seed}\n`), master: current });
  const text = pulumi.unsecret(
    pulumi
      .all(masters)
      .apply((all) =>
        natsAccounts(users.map((user) => ({ ...user, publicKeys: all.map((master) => keyOf(master, user.name).publicKey) }))),
      ),
  );
  const accounts = file(host, parent, {
    name: "nats-accounts",
    path: host.layout.etc("nats", "accounts.conf"),
    mode: args.group === undefined ? "600" : "640",
    group: args.group,
    text,
    after: args.after,
  });
  return {
    accounts,
    keyPath: natsKeyPath(host, "operator"),
    keys: Object.fromEntries(users.map(({ name }) => [name, secretOf(name)])),
    seeds: current.apply((master) => Object.fromEntries(users.map(({ name }) => [name, keyOf(master, name).seed]))),
    follows: { USERS: text.apply(digest) },
  };
}

/**
 * Writes the key of each user on the host.
 * @param after the server that knows the keys: whoever takes one that was just written must not be refused
 */
export function natsKeyFiles(host: Host, parent: pulumi.Resource, { keys }: NatsUsers, after: readonly Task[]): Task[] {
  return Object.entries(keys).map(([name, secret]) =>
    secretFile(host, parent, { name: `nats-key-${name}`, path: natsKeyPath(host, name), secret, after }),
  );
}

/** Where the key of a user is on a host, readable for the user that tasks run as. */
function natsKeyPath(host: Host, user: string): string {
  return host.layout.etc("nats", `keys/${user}.nk`);
}

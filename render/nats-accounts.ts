import { MAIN_ACCOUNT, type NatsUser, SYSTEM_ACCOUNT } from "../config/nats-auth";
import { MANAGED_BY } from "./text";

/** A user with the public keys that it may prove itself with. */
export interface KeyedUser extends NatsUser {
  readonly publicKeys: readonly string[];
}

/**
 * accounts.conf, which nats-server.conf includes: accounts with their users, a line for each key. Nothing in it is secret. Every account but the system's has
 * JetStream. https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts
 */
export function natsAccounts(users: readonly KeyedUser[]): string {
  const names = [...new Set([MAIN_ACCOUNT, SYSTEM_ACCOUNT, ...users.map(({ account }) => account)])];
  const account = (name: string) => {
    const members = users
      .filter((user) => user.account === name)
      .flatMap((user) => user.publicKeys.map((key) => `      ${line(user, key)}\n`));
    const jetstream = name === SYSTEM_ACCOUNT ? "" : "    jetstream: enabled\n";
    return `  ${name} {\n${jetstream}    users: [\n${members.join("")}    ]\n  }\n`;
  };
  return `# ${MANAGED_BY}\nsystem_account: ${SYSTEM_ACCOUNT}\naccounts {\n${names.map(account).join("")}}\n`;
}

function line({ name, permissions }: KeyedUser, key: string): string {
  const allow = (subjects: readonly string[]) => `{ allow: ${JSON.stringify(subjects)} }`;
  // Who may ask gets the answer, and who is asked may answer, without a subject being declared for it.
  const limits =
    permissions === undefined
      ? ""
      : `, permissions: { publish: ${allow(permissions.publish)}, subscribe: ${allow([...permissions.subscribe, "_INBOX.>"])}, allow_responses: true }`;
  return `{ nkey: ${key}${limits} } # ${name}`;
}

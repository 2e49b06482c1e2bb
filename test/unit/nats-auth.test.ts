import assert from "node:assert/strict";
import { test } from "node:test";
import { derived, fingerprint, nkey } from "../../config/credentials";
import { parseConfig } from "../../config/load";
import { natsUsers, validGenerations } from "../../config/nats-auth";
import { natsAccounts } from "../../render/nats-accounts";

const MASTER = Buffer.alloc(32, 1).toString("base64");

/** The parsed `messaging:nats.auth`. */
function auth(raw: Record<string, unknown>) {
  const { nats } = parseConfig({ nats: { auth: raw } });
  assert.ok(nats?.auth);
  return nats.auth;
}

test("a key is a seed with its public key, the same for the same purpose, another for each purpose and generation", () => {
  const { seed, publicKey } = nkey(derived(MASTER, "local/nats/agents"));
  assert.match(seed, /^SU[A-Z2-7]{56}$/);
  assert.match(publicKey, /^U[A-Z2-7]{55}$/);
  assert.deepEqual(nkey(derived(MASTER, "local/nats/agents")), { seed, publicKey });
  assert.notEqual(nkey(derived(MASTER, "local/nats/operator")).seed, seed);
  assert.notEqual(nkey(derived(Buffer.alloc(32, 2).toString("base64"), "local/nats/agents")).seed, seed);
});

test("a fingerprint changes with the secret and with the key of the stack", () => {
  const mark = fingerprint(MASTER, "one");
  assert.match(mark, /^[0-9a-f]{12}$/);
  assert.notEqual(fingerprint(MASTER, "two"), mark);
  assert.notEqual(fingerprint(Buffer.alloc(32, 2).toString("base64"), "one"), mark);
});

test("accounts.conf has a line for each valid key, permissions, and JetStream in every account but the system's", () => {
  const users = natsUsers(auth({ users: { agents: { publish: ["agent.>"], subscribe: ["agent.*"] }, llm: { account: "llm" } } }));
  const text = natsAccounts(users.map((user) => ({ ...user, publicKeys: [`U1-${user.name}`, `U2-${user.name}`] })));
  assert.equal(
    text.split("\n").slice(1).join("\n"),
    `system_account: SYS
accounts {
  MESSAGING {
    jetstream: enabled
    users: [
      { nkey: U1-operator } # operator
      { nkey: U2-operator } # operator
      { nkey: U1-pipelines } # pipelines
      { nkey: U2-pipelines } # pipelines
      { nkey: U1-agents, permissions: { publish: { allow: ["agent.>"] }, subscribe: { allow: ["agent.*","_INBOX.>"] }, allow_responses: true } } # agents
      { nkey: U2-agents, permissions: { publish: { allow: ["agent.>"] }, subscribe: { allow: ["agent.*","_INBOX.>"] }, allow_responses: true } } # agents
    ]
  }
  SYS {
    users: [
      { nkey: U1-system } # system
      { nkey: U2-system } # system
    ]
  }
  llm {
    jetstream: enabled
    users: [
      { nkey: U1-llm, permissions: { publish: { allow: [">"] }, subscribe: { allow: [">","_INBOX.>"] }, allow_responses: true } } # llm
      { nkey: U2-llm, permissions: { publish: { allow: [">"] }, subscribe: { allow: [">","_INBOX.>"] }, allow_responses: true } } # llm
    ]
  }
}
`,
  );
});

test("the keys of the generation before are valid unless they are not to be", () => {
  assert.deepEqual(validGenerations(auth({})), [1]);
  assert.deepEqual(validGenerations(auth({ generation: 3 })), [3, 2]);
  assert.deepEqual(validGenerations(auth({ generation: 3, keepPrevious: false })), [3]);
});

test("names of the stack's own users and accounts, and what is no subject, are refused", () => {
  const raw = { users: { operator: {}, agents: { account: "SYS", publish: ["a..b"] }, "a b": {} }, generation: 0 };
  assert.throws(
    () => parseConfig({ nats: { auth: raw } }),
    (error: Error) => ["operator", "SYS", "a..b", "a b", "generation"].every((part) => error.message.includes(part)),
  );
});

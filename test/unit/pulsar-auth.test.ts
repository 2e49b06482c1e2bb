import assert from "node:assert/strict";
import { test } from "node:test";
import { jwtVerify } from "jose";
import { derived, roleToken, tokenKey } from "../../config/credentials";
import { parseConfig } from "../../config/load";
import { validity } from "../../config/tls";

const HOUR = 3_600_000;
const KEY = tokenKey(derived(Buffer.alloc(32, 1).toString("base64"), "local/pulsar/token-key"));

test("a token is the same within a half of its lifetime, and the next one comes while it is valid", async () => {
  const start = validity(2 * HOUR, Date.UTC(2026, 0, 1));
  const later = validity(2 * HOUR, Date.UTC(2026, 0, 1) + HOUR - 1000);
  assert.deepEqual(later, start);
  assert.equal(start.expiresAt - start.issuedAt, 7200);
  const next = validity(2 * HOUR, Date.UTC(2026, 0, 1) + HOUR);
  assert.equal(next.issuedAt, start.issuedAt + 3600);
  assert.ok(next.issuedAt < start.expiresAt);
  assert.equal(await roleToken(KEY, "agents", start), await roleToken(KEY, "agents", later));
});

test("a token says whose it is and is signed with the key", async () => {
  const issuedAt = Math.floor(Date.now() / 1000);
  const token = await roleToken(KEY, "agents", { issuedAt, expiresAt: issuedAt + 60 });
  const { payload } = await jwtVerify(token, Buffer.from(KEY));
  assert.deepEqual(payload, { sub: "agents", iat: issuedAt, exp: issuedAt + 60 });
  await assert.rejects(jwtVerify(token, Buffer.from(tokenKey(Buffer.alloc(32)))));
});

test("a role that is the stack's own, stands twice or is no name is refused", () => {
  const refused = (auth: unknown) => {
    try {
      parseConfig({ pulsar: { auth } });
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(refused({ roles: ["admin", "pipelines"] }), /roles\.0: got "admin".*\n.*roles\.1: got "pipelines"/);
  assert.match(refused({ roles: ["a", "a"] }), /each once/);
  assert.match(refused({ roles: ["a b"] }), /names of letters/);
  assert.match(refused({ tokenLifetime: "1s" }), /tokenLifetime/);
  assert.equal(refused({ roles: ["agents"] }), "");
});

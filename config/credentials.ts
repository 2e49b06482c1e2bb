import { createHash, createHmac, hkdfSync } from "node:crypto";
import { Codec } from "@nats-io/nkeys/lib/codec";
import { SignJWT } from "jose";
import type { Validity } from "./tls";
import { fromSeed, Prefix } from "@nats-io/nkeys";

/** Bytes of the secret that all others of a generation derive from, and of each of them. */
export const SECRET_BYTES = 32;

/**
 * A secret for one purpose, derived from that of a generation (HKDF with SHA-256, RFC 5869): who has one learns nothing about another.
 * @param master base64
 * @param purpose such as `local/nats/agents`
 */
export function derived(master: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", Buffer.from(master, "base64"), Buffer.alloc(0), purpose, SECRET_BYTES));
}

/** What a dependant may know of a secret: it changes with it and tells nothing about it. @returns 12 hexadecimal characters */
export function fingerprint(master: string, secret: string | Buffer): string {
  return createHmac("sha256", derived(master, "fingerprint")).update(secret).digest("hex").slice(0, 12);
}

/** What a server knows a password by. No salt and one round are enough for what is as random as any hash. @returns SHA-256, base64 */
export function passwordHash(password: string): string {
  return createHash("sha256").update(password).digest("base64");
}

/** A NATS user's nkey. */
export interface Nkey {
  /** The private part, as clients take it from a file. */
  readonly seed: string;
  readonly publicKey: string;
}

/** The nkey of a user. @param secret 32 bytes */
export function nkey(secret: Buffer): Nkey {
  const seed = Codec.encodeSeed(Prefix.User, secret);
  return { seed: Buffer.from(seed).toString(), publicKey: fromSeed(seed).getPublicKey() };
}

/**
 * A token by which a client proves its role.
 * @param key what the broker checks it with
 */
export async function roleToken(key: string, role: string, validity: Validity): Promise<string> {
  const token = new SignJWT().setProtectedHeader({ alg: "HS256" }).setSubject(role);
  return token.setIssuedAt(validity.issuedAt).setExpirationTime(validity.expiresAt).sign(Buffer.from(key));
}

/** The key of the tokens as the broker reads it from its file, bytes as they are. @param secret 32 bytes */
export function tokenKey(secret: Buffer): string {
  return `${secret.toString("base64url")}\n`;
}

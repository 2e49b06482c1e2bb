import { z } from "zod";
import { object } from "./schema";
import { duration } from "./units";

/** Names by which every listener is reached: all are on loopback. */
const OWN_NAMES = ["localhost", "127.0.0.1"];

const NAME =
  "allowed: host names or IPv4 addresses, such as broker.example.com, by which clients reach the server besides localhost and 127.0.0.1";
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

const DAY_MILLISECONDS = 86_400_000;

/** Keys of the `tls` of a server, which shows a certificate of the host's own certificate authority. */
export const tlsKeys = {
  names: z
    .array(z.string(NAME).regex(/^(\*\.)?[a-zA-Z\d]([a-zA-Z\d.-]{0,250}[a-zA-Z\d])?$/, NAME))
    .default([])
    .describe("names and addresses by which clients reach the server, besides `localhost` and `127.0.0.1`"),
  lifetime: duration("2d", "825d")
    .prefault("90d")
    .describe("how long a certificate is valid, in whole days: half-way the next `up` renews it"),
};

/** `tls` of a server that has no further keys, and how those of any server are parsed. */
export const tlsSchema = object(tlsKeys).transform(withUnit);

/** The parsed keys. */
export function withUnit<T extends { readonly lifetime: number }>({ lifetime, ...rest }: T) {
  return { ...rest, lifetimeMilliseconds: lifetime };
}

/** What a certificate is made from. */
export interface CertificateText {
  /** Names and addresses as openssl lists them. */
  readonly subjectAltNames: string;
  readonly lifetimeDays: number;
  /** Seconds since 1970 to which it is valid at least; what ends earlier is renewed. */
  readonly validUntil: number;
}

/** The certificate of a server: renewed by the first up in each half of its lifetime. @param now milliseconds since 1970 */
export function certificateText(
  tls: { readonly names: readonly string[]; readonly lifetimeMilliseconds: number },
  now: number,
): CertificateText {
  const names = [...new Set([...OWN_NAMES, ...tls.names])];
  return {
    subjectAltNames: names.map((name) => `${IPV4.test(name) ? "IP Address" : "DNS"}:${name}`).join(", "),
    lifetimeDays: Math.ceil(tls.lifetimeMilliseconds / DAY_MILLISECONDS),
    validUntil: validity(tls.lifetimeMilliseconds, now).expiresAt,
  };
}

/** From when to when something is valid, in seconds since 1970. */
export interface Validity {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/**
 * From when to when a token or certificate that is made now is valid. It begins with the half of a lifetime that is under way, so that every run within it asks
 * for the same, and what the next half makes finds the last one still valid.
 */
export function validity(lifetimeMilliseconds: number, now: number): Validity {
  const half = Math.floor(lifetimeMilliseconds / 2000);
  const issuedAt = Math.floor(now / 1000 / half) * half;
  return { issuedAt, expiresAt: issuedAt + 2 * half };
}

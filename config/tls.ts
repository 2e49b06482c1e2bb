import { z } from "zod";
import { certificateProblems, ownCertificateSchema, type OwnCertificate } from "./own-certificate";
import { names, object, whenSound } from "./schema";
import { duration } from "./units";

/** Names by which every listener is reached: all are on loopback. */
const OWN_NAMES = ["localhost", "127.0.0.1"];

const NAME =
  "allowed: host names or IPv4 addresses, such as broker.example.com, by which clients reach the server besides localhost and 127.0.0.1";
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

const CLIENT = "allowed: names of letters, digits, - and _, other than those of the stack (operator, pipelines), each once";

/** The client that the stack's tasks and whoever operates it are. */
export const OPERATOR = "operator";

/** The client that the pipelines are. */
export const PIPELINES = "pipelines";

const OWN_CLIENTS: readonly string[] = [OPERATOR, PIPELINES];

const DAY_MILLISECONDS = 86_400_000;

/** Keys of the `tls` of a server, which shows a certificate of the host's own certificate authority unless it is given one. */
export const tlsKeys = {
  names: z
    .array(z.string(NAME).regex(/^(\*\.)?[a-zA-Z\d]([a-zA-Z\d.-]{0,250}[a-zA-Z\d])?$/, NAME))
    .default([])
    .describe("names and addresses by which clients reach the server, besides `localhost` and `127.0.0.1`"),
  lifetime: duration("2d", "825d")
    .prefault("90d")
    .describe("how long a certificate is valid, in whole days: half-way the next `up` renews it"),
  own: ownCertificateSchema
    .optional()
    .describe("a certificate of yours, for 127.0.0.1 too, instead of one of the host's authority; checked before anything is touched"),
  clients: names(CLIENT, OWN_CLIENTS)
    .optional()
    .describe(
      "every client has to show a certificate of the host's authority; each of these gets one, beside the stack's own. Absent: none is asked for one",
    ),
};

/** `tls` of a server that has no further keys. */
export const tlsSchema = object(tlsKeys)
  .superRefine(checkOwn, { when: whenSound("own", "names") })
  .transform(withUnit);

/** Refuses a certificate that clients would refuse. */
export function checkOwn(
  { own, names }: { readonly own?: OwnCertificate | undefined; readonly names: readonly string[] },
  context: z.RefinementCtx,
): void {
  for (const { key, message } of own === undefined ? [] : certificateProblems(own, names, Date.now()))
    context.addIssue({ code: "custom", path: ["own", key], message });
}

/** The parsed keys. */
export function withUnit<T extends { readonly lifetime: number }>({ lifetime, ...rest }: T) {
  return { ...rest, lifetimeMilliseconds: lifetime };
}

/** The parsed `tls` of any server. */
export type Tls = z.output<typeof tlsSchema>;

/** What a certificate is made from. */
export interface CertificateText {
  /** Names and addresses as openssl lists them. */
  readonly subjectAltNames: string;
  readonly lifetimeDays: number;
  /** Seconds since 1970 to which it is valid at least; what ends earlier is renewed. */
  readonly validUntil: number;
}

/**
 * The certificate of a server: renewed by the first up in each half of its lifetime.
 * @param peer name by which the other services of its host reach it
 * @param now milliseconds since 1970
 */
export function certificateText(tls: Pick<Tls, "names" | "lifetimeMilliseconds">, peer: string, now: number): CertificateText {
  const names = [...new Set([...OWN_NAMES, peer, ...tls.names])];
  return {
    subjectAltNames: names.map((name) => `${IPV4.test(name) ? "IP Address" : "DNS"}:${name}`).join(", "),
    ...lifetime(tls.lifetimeMilliseconds, now),
  };
}

/** The clients that get a certificate. */
export interface Clients {
  readonly names: readonly string[];
  readonly lifetimeMilliseconds: number;
}

/** The clients of all servers of a host, the stack's own included; undefined: none is asked for a certificate. */
export function clientsOf(...servers: readonly (Tls | undefined)[]): Clients | undefined {
  const asking = servers.filter((tls) => tls?.clients !== undefined) as readonly Tls[];
  if (asking.length === 0) return undefined;
  return {
    names: [...new Set([OPERATOR, ...asking.flatMap(({ clients = [] }) => clients)])].sort(),
    lifetimeMilliseconds: Math.min(...asking.map(({ lifetimeMilliseconds }) => lifetimeMilliseconds)),
  };
}

/** The certificate of a client, renewed likewise. */
export function clientCertificateText(
  name: string,
  { lifetimeMilliseconds }: Pick<Clients, "lifetimeMilliseconds">,
  now: number,
): CertificateText {
  return { subjectAltNames: `DNS:${name}`, ...lifetime(lifetimeMilliseconds, now) };
}

function lifetime(milliseconds: number, now: number): Pick<CertificateText, "lifetimeDays" | "validUntil"> {
  return { lifetimeDays: Math.ceil(milliseconds / DAY_MILLISECONDS), validUntil: validity(milliseconds, now).expiresAt };
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

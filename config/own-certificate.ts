import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { z } from "zod";
import { object } from "./schema";

/** Where the stack's own clients connect. */
const LOOPBACK = "127.0.0.1";

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A name that a wildcard stands for; any other is its own. */
const example = (name: string) => name.replace(/^\*\./, "any.");

/** A text in PEM: itself, or the path of a file that has it. */
function pem(what: string, block: RegExp) {
  const message = `allowed: ${what} in PEM, or the path of such a file, absolute or below the project`;
  return z.string(message).transform((given, context): string => {
    const text = isText(given) ? given : read(given);
    if (text !== undefined && block.test(text)) return text;
    context.addIssue({ code: "custom", message, input: given });
    return z.NEVER;
  });
}

/** Does the config have the text itself, and not the path of a file? */
export function isText(given: string): boolean {
  return given.includes("-----BEGIN ");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(resolve(__dirname, "..", path), "utf8");
  } catch {
    return undefined;
  }
}

/** `tls.own` of a server: a certificate that somebody else has issued. */
export const ownCertificateSchema = object({
  certificate: pem("a certificate, with those between it and the authority after it", /-----BEGIN CERTIFICATE-----/).describe(
    "certificate, and after it those between it and the authority: PEM, or the path of a file on this machine",
  ),
  key: pem("the private key without a passphrase", /-----BEGIN [A-Z ]*PRIVATE KEY-----/).describe(
    "its private key without a passphrase: the path of a file on this machine, or PEM as a Pulumi secret",
  ),
  ca: pem("the certificate of the authority", /-----BEGIN CERTIFICATE-----/).describe(
    "certificate of the authority, which the clients trust: PEM, or the path of a file on this machine",
  ),
});

/** A certificate that is not the stack's own, with its key, in PEM. */
export type OwnCertificate = z.output<typeof ownCertificateSchema>;

/**
 * What is wrong with a certificate: the key of `own` that it is about, and what is allowed instead.
 * @param names by which clients reach the server besides the stack's own, which come by 127.0.0.1
 * @param now milliseconds since 1970
 */
export function certificateProblems(
  own: OwnCertificate,
  names: readonly string[],
  now: number,
): { readonly key: keyof OwnCertificate; readonly message: string }[] {
  const chain = certificates(own.certificate);
  const authorities = certificates(own.ca);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined) return [{ key: "certificate", message: "allowed: certificates in PEM" }];
  if (authorities === undefined) return [{ key: "ca", message: "allowed: certificates in PEM" }];
  const missing = [LOOPBACK, ...names].filter(
    (name) => (isIP(name) === 0 ? leaf.checkHost(example(name)) : leaf.checkIP(name)) === undefined,
  );
  const ends = Date.parse(leaf.validTo);
  return [
    ...(ends > now && Date.parse(leaf.validFrom) <= now
      ? []
      : [
          { key: "certificate" as const, message: `allowed: one that is valid now; this one is from ${leaf.validFrom} to ${leaf.validTo}` },
        ]),
    ...(missing.length === 0
      ? []
      : [
          {
            key: "certificate" as const,
            message: `allowed: one for ${missing.join(", ")} as well; this one is for ${leaf.subjectAltName ?? "no name"} (${LOOPBACK} is where the stack's own clients connect)`,
          },
        ]),
    ...(isKeyOf(leaf, own.key)
      ? []
      : [{ key: "key" as const, message: "allowed: the private key of the certificate, without a passphrase" }]),
    ...(leadsTo(chain, authorities)
      ? []
      : [{ key: "ca" as const, message: "allowed: the authority that has signed the certificate, or the last one after it" }]),
  ];
}

/** The key in the one form that Java reads. @throws Error when it is none */
export function pkcs8(key: string): string {
  return createPrivateKey(key).export({ type: "pkcs8", format: "pem" }).toString();
}

function certificates(text: string): X509Certificate[] | undefined {
  try {
    return [...text.matchAll(BLOCK)].map(([block]) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** Is each certificate of a chain signed by the next, and the last one by an authority, or one itself? */
function leadsTo(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  const signedBy = (certificate: X509Certificate, issuer: X509Certificate) =>
    certificate.fingerprint256 === issuer.fingerprint256 || (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  return chain.every((certificate, index) => {
    const next = chain[index + 1];
    return next === undefined ? authorities.some((authority) => signedBy(certificate, authority)) : signedBy(certificate, next);
  });
}

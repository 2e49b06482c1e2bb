import type * as pulumi from "@pulumi/pulumi";
import type { CertificateText } from "../config/tls";
import type { Host, Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";

/** Years after which the certificate of an authority ends; the last one before is renewed with the same key, so that those who trust it go on. */
const AUTHORITY_DAYS = 3650;

/** Where clients find the certificate of a host's certificate authority. */
export function authorityPath(layout: Layout): string {
  return layout.etc("tls", "ca.pem");
}

/** The host's own certificate authority: made once, by openssl on the host, which its key never leaves. */
export function certificateAuthority(host: Host, parent: pulumi.Resource): Task {
  return host.run(parent, {
    name: "certificate-authority",
    script: "certificate-authority",
    inputs: { DIRECTORY: host.layout.etc("tls", "").replace(/\/$/, ""), DAYS: AUTHORITY_DAYS },
    after: [],
  });
}

/** Where a server has its certificate and its key. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** @param product whose folder of etc has them */
export function certificatePaths(layout: Layout, product: string): CertificatePaths {
  return { certificate: layout.etc(product, "server.pem"), key: layout.etc(product, "server.key") };
}

/** The certificate of a server, of the host's authority; its key is made on the host and never leaves it. */
export function certificate(
  host: Host,
  parent: pulumi.Resource,
  args: {
    readonly product: string;
    readonly certificate: CertificateText;
    /** Users of a service that read the key besides its owner; undefined: nobody. */
    readonly group: string | undefined;
    readonly authority: Task;
    readonly after: readonly Task[];
  },
): Task {
  const { certificate, key } = certificatePaths(host.layout, args.product);
  const { subjectAltNames, lifetimeDays, validUntil } = args.certificate;
  return host.run(parent, {
    name: `${args.product}-certificate`,
    script: "certificate",
    inputs: {
      CERTIFICATE: certificate,
      KEY: key,
      AUTHORITY: authorityPath(host.layout),
      SUBJECT: `${host.key}-${args.product}`,
      NAMES: subjectAltNames,
      DAYS: lifetimeDays,
      VALID_UNTIL: validUntil,
      ...(args.group === undefined ? {} : { GROUP: args.group }),
    },
    after: [args.authority, ...args.after],
  });
}

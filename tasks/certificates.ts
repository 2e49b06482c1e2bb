import * as pulumi from "@pulumi/pulumi";
import { type OwnCertificate, pkcs8 } from "../config/own-certificate";
import { certificateText, clientCertificateText, type CertificateText, type Clients, OPERATOR, type Tls } from "../config/tls";
import type { Host, Task } from "../hosts/host";
import type { Layout } from "../hosts/layout";
import { digest } from "../hosts/scripts";
import { file } from "./file";
import { secretFile } from "./secret-file";
import { generationSecrets } from "./secrets";
import type { ServiceAccount } from "./service-account";

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

/** Paths of a certificate and its key on a host. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** What a server proves itself with. @param product whose folder of etc has it */
export function serverPaths(layout: Layout, product: string, { own }: Pick<Tls, "own">): CertificatePaths {
  return pair(layout, product, own === undefined ? "server" : "own");
}

/** What a server reads that lies elsewhere than its own files: it knows clients by the host's authority. */
export function clientAuthorities(layout: Layout, tls: Pick<Tls, "clients"> | undefined): string[] {
  return tls?.clients === undefined ? [] : [authorityPath(layout)];
}

/** Where clients find the certificate that they know a server by. */
export function trustedPath(layout: Layout, product: string, { own }: Pick<Tls, "own">): string {
  return own === undefined ? authorityPath(layout) : layout.etc("tls", `${product}-ca.pem`);
}

/** What a client proves itself with. */
export function clientPaths(layout: Layout, name: string = OPERATOR): CertificatePaths {
  return pair(layout, "tls", `clients/${name}`);
}

function pair(layout: Layout, product: string, name: string): CertificatePaths {
  return { certificate: layout.etc(product, `${name}.pem`), key: layout.etc(product, `${name}.key`) };
}

/** A server's certificate on a host. */
export interface ServerCertificate {
  readonly tasks: readonly Task[];
  /** Changes with it. */
  readonly mark: pulumi.Output<string>;
}

/** What a certificate is made for. */
interface ServerArgs {
  readonly product: string;
  /** Whose name the other services of the host reach it by. */
  readonly service: string;
  readonly tls: Tls;
  /** User of the service, who reads the key besides its owner; undefined: the owner itself. */
  readonly account: ServiceAccount | undefined;
  readonly authority: Task;
}

/**
 * The certificate of a server: the one that the config has, else one of the host's authority, whose key is made on the host and never leaves it.
 * @returns undefined without TLS: the server speaks in clear
 */
export function serverCertificate(
  host: Host,
  parent: pulumi.Resource,
  {
    tls,
    authority,
    ...others
  }: Omit<ServerArgs, "tls" | "authority"> & { readonly tls: Tls | undefined; readonly authority: Task | undefined },
): ServerCertificate | undefined {
  if (tls === undefined || authority === undefined) return undefined;
  const args = { ...others, tls, authority };
  const { product, service, account } = args;
  if (tls.own !== undefined) return ownCertificate(host, parent, tls.own, args);
  const issued = certificate(host, parent, {
    name: `${product}-certificate`,
    subject: `${host.key}-${product}`,
    paths: serverPaths(host.layout, product, tls),
    text: certificateText(tls, host.peer(service), Date.now()),
    group: account?.user,
    after: afterAuthority(args),
  });
  return { tasks: [issued], mark: pulumi.output(issued.digest) };
}

function afterAuthority({ authority, account }: ServerArgs): Task[] {
  return [authority, ...(account === undefined ? [] : [account])];
}

/** A certificate that somebody else has issued: its key is a secret of the stack. */
function ownCertificate(host: Host, parent: pulumi.Resource, own: OwnCertificate, args: ServerArgs): ServerCertificate {
  const { product, tls } = args;
  const paths = serverPaths(host.layout, product, tls);
  // The directory of the authority is open to every client of the host.
  const after = afterAuthority(args);
  const open = { mode: "644", after } as const;
  const [master] = generationSecrets(parent, `${host.key}-${product}-own-certificate`, [1]);
  if (master === undefined) throw new Error("nothing marks the key");
  const key = secretFile(host, parent, {
    name: `${product}-own-key`,
    path: paths.key,
    secret: { text: pulumi.secret(pkcs8(own.key)), master },
    group: args.account?.user,
    after,
  });
  const tasks = [
    key,
    file(host, parent, { name: `${product}-own-certificate`, path: paths.certificate, text: own.certificate, ...open }),
    file(host, parent, { name: `${product}-own-authority`, path: trustedPath(host.layout, product, tls), text: own.ca, ...open }),
  ];
  return { tasks, mark: key.fingerprint.apply((mark) => digest(`${mark} ${own.certificate}`)) };
}

/** The certificates of the clients of a host, in a folder for nobody but the user that tasks run as. */
export function clientCertificates(host: Host, parent: pulumi.Resource, clients: Clients, authority: Task): Task[] {
  return clients.names.map((name) =>
    certificate(host, parent, {
      name: `client-certificate-${name}`,
      subject: name,
      paths: clientPaths(host.layout, name),
      text: clientCertificateText(name, clients, Date.now()),
      usage: "clientAuth",
      group: undefined,
      after: [authority],
    }),
  );
}

/** A certificate of the host's authority. */
export function certificate(
  host: Host,
  parent: pulumi.Resource,
  args: {
    /** Resource name without the host key. */
    readonly name: string;
    /** Common name. */
    readonly subject: string;
    readonly paths: CertificatePaths;
    readonly text: CertificateText;
    /** What it is for; undefined: a server. */
    readonly usage?: "clientAuth";
    /** Users of a service that read the key besides its owner; undefined: nobody. */
    readonly group: string | undefined;
    readonly after: readonly Task[];
  },
): Task {
  const { subjectAltNames, lifetimeDays, validUntil } = args.text;
  return host.run(parent, {
    name: args.name,
    script: "certificate",
    inputs: {
      CERTIFICATE: args.paths.certificate,
      KEY: args.paths.key,
      AUTHORITY: authorityPath(host.layout),
      SUBJECT: args.subject,
      NAMES: subjectAltNames,
      DAYS: lifetimeDays,
      VALID_UNTIL: validUntil,
      ...(args.usage === undefined ? {} : { USAGE: args.usage }),
      ...(args.group === undefined ? {} : { GROUP: args.group }),
    },
    after: args.after,
  });
}

import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Paths of a certificate, its key, and the certificate of the authority that issued it. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** Makes a certificate authority that nobody knows, and a certificate of it for 127.0.0.1, valid for two days. @param name that the files begin with @param names of the server besides, as openssl writes them */
export function issuedByStranger(directory: string, name = "strange", ...names: readonly string[]): Issued {
  const path = (part: string) => join(directory, `${name}-${part}.pem`);
  const make = (part: string, ...args: string[]) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path(`${part}-key`)];
    execFileSync("openssl", ["req", "-x509", ...key, "-subj", `/CN=${name}-${part}`, "-days", "2", ...args, "-out", path(part)], {
      stdio: "pipe",
    });
  };
  make("ca");
  make(
    "leaf",
    "-CA",
    path("ca"),
    "-CAkey",
    path("ca-key"),
    "-addext",
    `subjectAltName=${["IP:127.0.0.1", ...names].join()}`,
    "-addext",
    "basicConstraints=CA:false",
  );
  return { certificate: path("leaf"), key: path("leaf-key"), ca: path("ca") };
}

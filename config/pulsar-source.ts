import { z } from "zod";
import { absolutePath } from "./paths";
import type { ArtifactPin } from "./pins";
import { object } from "./schema";

/** Where Apache has the public keys of its release managers. */
const KEYS_URL = "https://downloads.apache.org/pulsar/KEYS";

const SHA512 = "allowed: the SHA-512 of the archive, 128 hexadecimal digits, as Apache publishes it beside the archive (<archive>.sha512)";
const SIGNER =
  "allowed: the fingerprint of the key that signed the archive, 40 hexadecimal digits (https://downloads.apache.org/pulsar/KEYS)";
const URL = "allowed: an http, https or file address of a .tar.gz";

const archive = {
  url: z
    .string(URL)
    .regex(/^(https?|file):\/\/[^\s"\\]+\.tar\.gz$/, URL)
    .optional()
    .describe("http, https or file address of a .tar.gz; this or `path`"),
  path: absolutePath("a .tar.gz on the host")
    .endsWith(".tar.gz", "allowed: the path of a .tar.gz")
    .optional()
    .describe("its path on the host"),
  sha512: z
    .string(SHA512)
    .regex(/^[0-9a-fA-F]{128}$/, SHA512)
    .transform((digest) => digest.toLowerCase())
    .describe("its SHA-512, as Apache publishes it beside the archive"),
  signer: z
    .string(SIGNER)
    .regex(/^[0-9A-F]{40}$/, SIGNER)
    .optional()
    .describe("fingerprint of the key that signed it: the signature is checked too"),
};

const ONE_PLACE = "allowed: url or path, one of them";
const isOnePlace = ({ url, path }: { readonly url?: string | undefined; readonly path?: string | undefined }) =>
  (url === undefined) !== (path === undefined);

/**
 * `messaging:pulsar.source`: an archive of the user's choice instead of a pinned one, such as a release that only Apache's archive keeps
 * (https://archive.apache.org/dist/pulsar/).
 */
export const pulsarSourceSchema = object({
  ...archive,
  offloaders: object(archive)
    .refine(isOnePlace, ONE_PLACE)
    .optional()
    .describe("for tiered storage: the same for the archive of its offloaders"),
}).refine(isOnePlace, ONE_PLACE);

type Archive = Pick<z.output<typeof pulsarSourceSchema>, "url" | "path" | "sha512" | "signer">;

/** What a host installs from an archive of the user's choice. @param root directory inside the archive */
export function chosenPin({ url, path, sha512, signer }: Archive, root: string): ArtifactPin {
  const address = url ?? `file://${path ?? ""}`;
  return {
    sources: [{ file: address.slice(address.lastIndexOf("/") + 1), digest: `sha512:${sha512}`, root, url: address }],
    only: undefined,
    platform: "any",
    signers: signer === undefined ? [] : [signer],
    keysUrl: KEYS_URL,
  };
}

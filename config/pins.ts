import pins from "./versions.json";

/** One place an artefact can be had from. */
export interface Source {
  /** File name in the cache of the driver, and of a download. */
  readonly file: string;
  /** Algorithm and digest of the file in hexadecimal, such as `sha256:0a1b…`. */
  readonly digest: string;
  /** Directory inside the archive whose contents are installed; `-`: all of it. */
  readonly root?: string;
  /** Download address; absent for what only `npm run setup` can bring. */
  readonly url?: string;
}

/** The pin of one version of an artefact for one platform. */
export interface ArtifactPin {
  /** Sources in order of preference. */
  readonly sources: readonly Source[];
  /** The one executable that is taken; undefined: the whole tree. */
  readonly only: string | undefined;
  /** Platform of the files: the host's, or `any`. */
  readonly platform: string;
  /** Fingerprints of the keys that sign it; empty where it is not signed. */
  readonly signers: readonly string[];
  /** Where the public keys of the signers are; undefined where it is not signed. */
  readonly keysUrl: string | undefined;
}

interface Build {
  readonly url?: string;
  readonly sha256?: string;
  readonly built: string;
}

interface Executable {
  readonly binary: string;
  readonly versions: Readonly<Record<string, Readonly<Record<string, Build>>>>;
}

interface Archive {
  readonly signers?: readonly string[];
  readonly keysUrl?: string;
  readonly versions: Readonly<Record<string, Readonly<Record<string, readonly ArchiveSource[]>>>>;
}

interface ArchiveSource extends Omit<Source, "url"> {
  readonly from: { readonly url?: string; readonly maven?: string; readonly pypi?: string; readonly debian?: string };
}

/** Executables that are downloaded or built from the Go module proxy. */
export type ExecutableName = keyof typeof pins.artifacts;

/** Trees that are unpacked as they are. */
export type ArchiveName = keyof typeof pins.archives;

/** Everything that the program installs on a host. */
export type ArtifactName = ExecutableName | ArchiveName;

/** What the images of services are built on, by its digest. */
export const BASE_IMAGE = pins.images.base;

/** Images that compose.yaml takes: official ones of servers, and those that its own image starts from. */
export const IMAGES = pins.images;

const executables: Readonly<Record<string, Executable>> = pins.artifacts;
const archives: Readonly<Record<string, Archive>> = pins.archives;

/** A pinned version of an artefact. */
export type PinnedVersion<Name extends ArtifactName> = keyof (typeof pins.artifacts & typeof pins.archives)[Name]["versions"] & string;

/** The pinned versions of an artefact, the default first. */
export function pinnedVersions<Name extends ArtifactName>(name: Name): [PinnedVersion<Name>, ...PinnedVersion<Name>[]] {
  return Object.keys((executables[name] ?? archives[name])?.versions ?? {}) as [PinnedVersion<Name>, ...PinnedVersion<Name>[]];
}

/**
 * The pin of an artefact.
 * @param platform such as `linux-amd64`
 * @throws Error when the version is not pinned for this platform
 */
export function artifactPin(name: ArtifactName, version: string, platform: string): ArtifactPin {
  const pin = executablePin(name, version, platform) ?? archivePin(name, version, platform) ?? archivePin(name, version, "any");
  if (pin === undefined) throw new Error(`${name} ${version} is not pinned for ${platform} in config/versions.json`);
  return pin;
}

function executablePin(name: string, version: string, platform: string): ArtifactPin | undefined {
  const build = executables[name]?.versions[version]?.[platform];
  if (build === undefined) return undefined;
  const only = executables[name]?.binary;
  const built = { file: only ?? name, digest: `sha256:${build.built}` };
  const { url, sha256 } = build;
  const official = url === undefined || sha256 === undefined ? [] : [{ file: basename(url), digest: `sha256:${sha256}`, url }];
  return { sources: [...official, built], only, platform, signers: [], keysUrl: undefined };
}

function archivePin(name: string, version: string, platform: string): ArtifactPin | undefined {
  const sources = archives[name]?.versions[version]?.[platform];
  if (sources === undefined) return undefined;
  return {
    sources: sources.map(({ from, ...source }) => ({ ...source, ...(from.url === undefined ? {} : { url: from.url }) })),
    only: undefined,
    platform,
    signers: archives[name]?.signers ?? [],
    keysUrl: archives[name]?.keysUrl,
  };
}

function basename(url: string): string {
  return url.slice(url.lastIndexOf("/") + 1);
}

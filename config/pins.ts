import pins from "./versions.json";

/** The build of one pinned version for one platform: the official archive where its digest is known, and our reproducible build. */
export interface ArtifactPin {
  /** Download address of the official archive; absent where no digest of it is pinned. */
  readonly url?: string;
  /** SHA-256 of the official archive in hexadecimal. */
  readonly sha256?: string;
  /** SHA-256 in hexadecimal of the binary that `offline/` builds from the Go module proxy. */
  readonly built: string;
}

interface Artifact {
  readonly binary: string;
  readonly versions: Readonly<Record<string, Readonly<Record<string, ArtifactPin>>>>;
}

const artifacts: Readonly<Record<string, Artifact>> = pins.artifacts;

/** The names of the artefacts that the program installs on a host. */
export type ArtifactName = keyof typeof pins.artifacts;

/** A pinned version of an artefact. */
export type PinnedVersion<Name extends ArtifactName> = keyof (typeof pins.artifacts)[Name]["versions"] & string;

/** The pinned versions of an artefact, the default first. */
export function pinnedVersions<Name extends ArtifactName>(name: Name): [PinnedVersion<Name>, ...PinnedVersion<Name>[]] {
  return Object.keys(pins.artifacts[name].versions) as [PinnedVersion<Name>, ...PinnedVersion<Name>[]];
}

/** File name of the executable inside the artefact. */
export function binaryName(name: ArtifactName): string {
  return pins.artifacts[name].binary;
}

/**
 * The pin of an artefact.
 * @param platform such as `linux-amd64`
 * @throws Error when the version is not pinned for this platform
 */
export function artifactPin(name: ArtifactName, version: string, platform: string): ArtifactPin {
  const pin = artifacts[name]?.versions[version]?.[platform];
  if (pin === undefined) throw new Error(`${name} ${version} is not pinned for ${platform} in config/versions.json`);
  return pin;
}

import type * as pulumi from "@pulumi/pulumi";
import { type ArtifactName, artifactPin, binaryName } from "../config/pins";
import type { Host, Task } from "../hosts/host";
import { artifactDir } from "../setup/paths";

/**
 * Fetches, verifies and installs one executable in its versioned directory.
 * @param args.task resource name without the host key
 * @param args.link should `current` point at the version? A service task owns the link of what it runs.
 * @throws Error when the version is not pinned for the host's platform
 */
export function artifact(
  host: Host,
  parent: pulumi.Resource,
  args: { readonly task: string; readonly name: ArtifactName; readonly version: string; readonly link: boolean },
): Task {
  const pin = artifactPin(args.name, args.version, host.platform);
  return host.run(parent, {
    name: args.task,
    script: "artifact",
    inputs: {
      NAME: args.name,
      VERSION: args.version,
      BINARY: binaryName(args.name),
      LINK: args.link ? "yes" : "no",
      CACHE: artifactDir(args.name, args.version, host.platform),
      URL: pin.url ?? "",
      SHA256: pin.sha256 ?? "",
      BUILT_SHA256: pin.built,
    },
    after: [],
  });
}

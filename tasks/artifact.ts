import { existsSync } from "node:fs";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { type ArtifactName, type ArtifactPin, artifactPin, type ExecutableName, type Source } from "../config/pins";
import type { Host, Task } from "../hosts/host";
import type { TaskText } from "../hosts/task";
import { artifactDir, platform } from "../setup/paths";

/** Which artefact a host gets. */
export interface ArtifactArgs {
  /** Resource name without the host key. */
  readonly task: string;
  readonly name: ArtifactName;
  readonly version: string;
  /** Should `current` point at the version? A service task owns the link of what it runs. */
  readonly link: boolean;
  /** Script in `scripts/products` that has something to do in a fresh tree. */
  readonly uses?: readonly string[];
  /** What the user chose instead of the pinned sources. */
  readonly pin?: ArtifactPin | undefined;
}

/**
 * Fetches, verifies and installs one artefact in its versioned directory.
 * @throws Error when the version is not pinned for the host's platform
 */
export function artifact(host: Host, parent: pulumi.Resource, args: ArtifactArgs): Task {
  const task = artifactTask(args, host.platform);
  const pin = args.pin ?? artifactPin(args.name, args.version, host.platform);
  // Services that run as users of their own have to read what root installs.
  const shared = host.services === "systemd" ? { SHARED: "yes" } : {};
  const downloadable = pin.sources.some(({ url }) => url !== undefined);
  // What the user chose is where the host finds it.
  if (args.pin !== undefined || !host.copies(args.task, downloadable)) {
    return host.run(parent, { ...task, inputs: { ...task.inputs, ...(host.remote ? { CACHE: "" } : {}), ...shared }, after: [] });
  }
  const directory = artifactDir(args.name, args.version, pin.platform);
  const source = pin.sources.find(({ file }) => existsSync(join(directory, file))) ?? pin.sources.at(-1);
  const remotePath = host.arrival(`${args.name}-${args.version}`);
  const copy = host.copy(parent, { task: args.task, version: args.version, file: join(directory, source?.file ?? ""), remotePath });
  return host.run(parent, {
    ...task,
    inputs: { ...task.inputs, CACHE: "", ARRIVAL: remotePath, COPIED: args.version, ...shared },
    after: [copy],
  });
}

/** The same as plain data. @param platform of the host, such as `linux-amd64` */
export function artifactTask(args: ArtifactArgs, platform: string): TaskText {
  const pin = args.pin ?? artifactPin(args.name, args.version, platform);
  return {
    name: args.task,
    script: "artifact",
    ...(args.uses === undefined ? {} : { uses: args.uses }),
    inputs: {
      NAME: args.name,
      VERSION: args.version,
      ONLY: pin.only ?? "",
      LINK: args.link ? "yes" : "no",
      SIGNERS: pin.signers.join(" "),
      KEYS_URL: pin.keysUrl ?? "",
      CACHE: artifactDir(args.name, args.version, pin.platform),
    },
    body: sourcesTable(pin.sources),
  };
}

/** Where this machine has an executable of its own platform, once the setup has brought it. */
export function cachedExecutable(name: ExecutableName, version: string): string {
  return join(artifactDir(name, version, platform()), name);
}

/** A line for each source, as scripts/tasks/artifact.sh reads them. */
function sourcesTable(sources: readonly Source[]): string {
  return sources.map(({ file, digest, root = "-", url = "-" }) => `${file} ${digest} ${root} ${url}\n`).join("");
}

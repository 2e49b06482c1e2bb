import { join } from "node:path";
import { pinnedVersions } from "../config/pins";
import { artifactDir, platform } from "../setup/paths";

/** A program of an artefact that consists of it alone, in its default version. */
export function executable(name: "nats" | "nats-server"): string {
  return join(artifactDir(name, pinnedVersions(name)[0], platform()), name);
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256File } from "../setup/files.js";
import { cacheDir } from "../setup/paths";
import { succeed } from "./processes";

/**
 * A program in an environment of Python of its own in the cache, which is made when it is missing.
 * @param requirements file with pinned packages of PyPI
 * @throws Error when pip fails
 */
export function pythonProgram(requirements: string, program: string): string {
  const directory = join(cacheDir(), "bench", sha256File(requirements).slice(0, 12));
  const installed = join(directory, "installed");
  if (!existsSync(installed)) {
    succeed("python3", ["-m", "venv", directory]);
    succeed(join(directory, "bin/pip"), ["install", "--quiet", "--requirement", requirements]);
    succeed("touch", [installed]);
  }
  return join(directory, "bin", program);
}

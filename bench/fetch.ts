// What a machine fetches before the first `npm run up` of the worked example can begin: everything that the network brings, against the archives that the tool cache
// and the package manager keep of it, and the time. Prints, judges nothing.
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "../setup/paths";
import { removeDirectory, temporaryDirectory } from "../test/support/temporary";
import { succeed } from "./processes";
import { say } from "./report";
import { MEBIBYTE } from "./statistics";

/** What is kept of a fetch, by where it is in the tool cache. */
const KEPT: Readonly<Record<string, { readonly directory: string; readonly archives: RegExp }>> = {
  "packages of npm": { directory: "npm/_cacache/content-v2", archives: /./ },
  "modules of Go": { directory: "go-mod/cache/download", archives: /\.(zip|mod|info)$/ },
  "artefacts that are not built": { directory: "artifacts", archives: /\.(whl|deb|tar\.gz|asc)$/ },
};

/** Bytes of the files below a directory whose names match. @throws Error where it is missing */
function bytesOf(directory: string, archives: RegExp): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && archives.test(entry.name))
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Bytes that have come in over all interfaces but loopback since the machine started (proc(5), /proc/net/dev). */
function received(): number {
  const lines = readFileSync("/proc/net/dev", "utf8").split("\n").slice(2);
  return lines
    .map((line) => line.trim().split(/[:\s]+/))
    .filter(([name]) => name !== "" && name !== "lo")
    .reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Sets a fresh clone up with an empty cache and prints what came in, what of it is kept, and for how long it took. */
export function benchFetch(): void {
  const directory = temporaryDirectory();
  try {
    const [clone, home, cache] = ["clone", "home", "cache"].map((name) => join(directory, name)) as [string, string, string];
    mkdirSync(home);
    succeed("git", ["clone", "--quiet", root, clone]);
    // npm tells its scripts where the cache of the user is.
    const env = { HOME: home, PULUMI_HOME: join(home, "pulumi"), MESSAGING_CACHE: cache, npm_config_cache: undefined };
    const [before, start] = [received(), performance.now()];
    succeed(process.execPath, [join(clone, "setup/run.js"), "setup"], env);
    const [fetched, seconds] = [received() - before, (performance.now() - start) / 1000];
    const kept = Object.entries(KEPT).map(([name, { directory, archives }]) => [name, bytesOf(join(cache, directory), archives)] as const);
    const needed = kept.reduce((sum, [, bytes]) => sum + bytes, 0);
    const row = (name: string, value: string) => {
      say(`  ${name.padEnd(44)}${value.padStart(10)}`);
    };
    say("everything fetched and built on a bare machine (MiB)");
    for (const [name, bytes] of kept) row(name, (bytes / MEBIBYTE).toFixed(0));
    row("fetched", (fetched / MEBIBYTE).toFixed(0));
    row("fetched for each byte that is kept", (fetched / needed).toFixed(2));
    row("seconds", seconds.toFixed(0));
  } finally {
    removeDirectory(directory);
  }
}

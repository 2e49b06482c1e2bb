import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pulumiEnvironment } from "../../setup/environment.js";
import { removeDirectory, temporaryDirectory } from "../../test/support/temporary";
import { succeed } from "../processes";

/** A stack of commands that do nothing, with state of its own. */
export interface Floor {
  up(): void;
  preview(): void;
  dispose(): void;
}

/**
 * What as many commands cost by the same engine and plugin.
 * @param commands their number
 * @param connection of @pulumi/command's remote.Command; undefined: they run on this machine
 */
export function startFloor(commands: number, connection?: Readonly<Record<string, string | number>>): Floor {
  const directory = temporaryDirectory();
  const state = join(directory, "state");
  mkdirSync(state);
  const env = {
    ...pulumiEnvironment(),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: "floor",
    FLOOR_COMMANDS: String(commands),
    FLOOR_CONNECTION: connection === undefined ? undefined : JSON.stringify(connection),
  };
  const pulumi = (...args: string[]) => succeed("pulumi", [...args, "--stack", "floor", "--non-interactive"], env);
  // It writes the settings with an encryption salt beside the project file that it finds.
  copyFileSync(join(__dirname, "Pulumi.yaml"), join(directory, "Pulumi.yaml"));
  pulumi("stack", "init", "--cwd", directory);
  const program = ["--cwd", __dirname, "--config-file", join(directory, "Pulumi.floor.yaml")];
  return {
    up: () => pulumi("up", ...program, "--yes", "--skip-preview"),
    preview: () => pulumi("preview", ...program),
    dispose: () => removeDirectory(directory),
  };
}

import { spawnSync } from "node:child_process";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./processes";

/** Why no disk of one's own can be had here; undefined where it can. */
export function noDisks(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "they take root on Linux";
  const missing = ["mkfs.ext4", "losetup", "python3"].filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  if (missing.length > 0) return `missing: ${missing.join(", ")}`;
  return spawnSync("losetup", ["--find"]).status === 0 ? undefined : "no loop devices";
}

/** An ext4 file system of its own in a file, whose power can be cut: what was not synced is gone then. */
export class Disk {
  readonly directory: string;
  readonly #image: string;

  /** @param directory where it is mounted @param image file that is its device @param mebibytes its size */
  constructor(directory: string, image: string, mebibytes: number) {
    this.directory = directory;
    this.#image = image;
    writeFileSync(image, "");
    truncateSync(image, mebibytes * 2 ** 20);
    run("mkfs.ext4", "-q", "-m", "0", image);
    mkdirSync(directory, { recursive: true });
    this.mount();
  }

  /** Mounts it, with the recovery that follows a power failure. */
  mount(): void {
    run("mount", "-o", "loop", this.#image, this.directory);
    run("chmod", "700", this.directory);
  }

  /**
   * Cuts the power: nothing is written from now on, every process that uses it is killed, and it comes back with what was synced.
   * @returns how many processes were killed
   */
  cutPower(): number {
    run("python3", join(__dirname, "cut-power.py"), this.directory);
    const killed = this.#unmount();
    this.mount();
    return killed;
  }

  /** Unmounts it; its image is the caller's. */
  dispose(): void {
    this.#unmount();
  }

  /** Kills who uses it until nobody is left: a service manager starts anew what was killed. @returns how many processes were killed */
  #unmount(): number {
    let killed = 0;
    for (let round = 0; round < 50; round++) {
      const { stdout } = spawnSync("sh", [join(__dirname, "users-of.sh"), this.directory], { encoding: "utf8" });
      for (const pid of stdout.split("\n").filter((line) => line !== "")) {
        try {
          process.kill(Number(pid), "SIGKILL");
          killed++;
        } catch {
          // It has ended by itself.
        }
      }
      if (spawnSync("umount", [this.directory], { stdio: "ignore" }).status === 0) return killed;
      spawnSync("sleep", ["0.1"]);
    }
    run("umount", this.directory);
    return killed;
  }
}

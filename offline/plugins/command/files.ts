import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { globPattern } from "./glob";
import { fileAsset, type PropertyMap } from "../common/values";

/**
 * Finds files by globs, of which a later one overrides an earlier one and a leading `!` excludes.
 * @param dir the folder that the globs are relative to
 * @returns assets by path relative to `dir`; folders and what symbolic links lead to are not searched
 * @throws if a glob is malformed or a matching file cannot be read
 */
export async function findAssets(dir: string, globs: readonly string[]): Promise<PropertyMap> {
  const lastRuleFirst = [...globs].reverse().map((glob) => {
    const excludes = glob.startsWith("!");
    return { excludes, pattern: globPattern(excludes ? glob.slice(1) : glob) };
  });
  const assets: PropertyMap = {};
  for await (const path of filesBelow(dir, "")) {
    const rule = lastRuleFirst.find(({ pattern }) => pattern.test(path));
    if (rule && !rule.excludes) {
      const file = join(dir, path);
      assets[path] = fileAsset(
        file,
        createHash("sha256")
          .update(await readFile(file))
          .digest("hex"),
      );
    }
  }
  return assets;
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<string> {
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      yield* filesBelow(root, path);
    } else {
      yield path;
    }
  }
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Tree } from "./judge";

/** A stack that a policy refuses, or none does: settings of the program, or plain resources for what it cannot declare. */
export interface Fixture {
  /** File name without its suffix: for a bad stack, the policy that refuses it. */
  readonly name: string;
  readonly what: string;
  /** Regular expressions that what the policy says matches. */
  readonly says?: readonly string[];
  /** `messaging:*` settings of the program. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly resources?: readonly Tree[];
  /** `messaging:policies` beside resources. */
  readonly policies?: string;
}

/** The stacks of a folder below `stacks/`. */
export function fixtures(folder: "bad" | "good"): Fixture[] {
  const directory = join(__dirname, "stacks", folder);
  return readdirSync(directory).map((file) => ({
    ...(parse(readFileSync(join(directory, file), "utf8")) as Omit<Fixture, "name">),
    name: file.replace(/\.yaml$/, ""),
  }));
}

import { contentHash, isObject, signatureOf, type PropertyMap, type Value } from "./values";

/** How one property differs: it is new, gone, or has another value. */
export type ChangeKind = "add" | "delete" | "update";

/** A path as the engine writes it (`environment.PATH`, `triggers[0]`), and how the value there differs. */
export type Changes = Map<string, ChangeKind>;

/**
 * Finds what differs between two sets of properties, as deep as both sides have the same shape.
 * Null and absent are the same; a secret differs from the same value in clear.
 */
export function diffProperties(olds: PropertyMap, news: PropertyMap): Changes {
  const changes: Changes = new Map();
  diffObjects(olds, news, "", changes);
  return changes;
}

/** The name of the top-level property that a path leads into. */
export function topLevelName(path: string): string {
  return /^\["(.*?)"\]/.exec(path)?.[1] ?? (/^[^.[]*/.exec(path)?.[0] as string);
}

/** True if both values are the same, by the rules of {@link diffProperties}. */
export function sameValue(left: Value | undefined, right: Value | undefined): boolean {
  return diffProperties({ value: left ?? null }, { value: right ?? null }).size === 0;
}

function diffObjects(olds: PropertyMap, news: PropertyMap, path: string, changes: Changes): void {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    diffValues(olds[key], news[key], childPath(path, key), changes);
  }
}

function diffValues(old: Value | undefined, next: Value | undefined, path: string, changes: Changes): void {
  const before = old ?? null;
  const after = next ?? null;
  if (before === after) {
    return;
  }
  if (before === null || after === null) {
    changes.set(path, before === null ? "add" : "delete");
  } else if (Array.isArray(before) && Array.isArray(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++) {
      diffElements(before, after, index, path, changes);
    }
  } else if (isPlain(before) && isPlain(after)) {
    diffObjects(before, after, path, changes);
  } else if (!sameLeaf(before, after)) {
    changes.set(path, "update");
  }
}

function diffElements(before: Value[], after: Value[], index: number, path: string, changes: Changes): void {
  const elementPath = `${path}[${index}]`;
  if (index >= before.length) {
    changes.set(elementPath, "add");
  } else if (index >= after.length) {
    changes.set(elementPath, "delete");
  } else {
    diffValues(before[index], after[index], elementPath, changes);
  }
}

function isPlain(value: Value): value is PropertyMap {
  return isObject(value) && signatureOf(value) === undefined;
}

/** Compares values that are shown as a whole: scalars, and special objects such as secrets and assets. */
function sameLeaf(before: Value, after: Value): boolean {
  if (!isObject(before) || !isObject(after)) {
    return before === after;
  }
  const [hashBefore, hashAfter] = [contentHash(before), contentHash(after)];
  if (hashBefore !== undefined && hashAfter !== undefined) {
    return hashBefore === hashAfter;
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].every((key) => sameValue(before[key], after[key]));
}

function childPath(parent: string, key: string): string {
  if (/[."[\]]/.test(key)) {
    return `${parent}["${key.replaceAll('"', '\\"')}"]`;
  }
  return parent === "" ? key : `${parent}.${key}`;
}

import { Struct } from "google-protobuf/google/protobuf/struct_pb";

/** A property value as the engine sends it: plain JSON, in which special objects carry a signature. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** The properties of a resource or the arguments of a function. */
export type PropertyMap = { [key: string]: Value };

// Fixed by Pulumi's wire format. Importing them from the SDK's runtime would bundle the whole SDK.
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Stands for a string that is not known yet. There are such values in previews only. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

// One for each type that a value may turn out to have: boolean, number, string, list, asset, archive, object.
const unknownValues: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  unknownValue,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** Reads the properties of a request; a request without any counts as empty. */
export function fromStruct(struct: Struct | undefined): PropertyMap {
  return struct ? struct.toJavaScript() : {};
}

/** Turns properties into the form that a response carries. */
export function toStruct(properties: PropertyMap): Struct {
  return Struct.fromJavaScript(properties);
}

/** True for what stands for a value, of whatever type, that a preview cannot know. */
export function isUnknown(value: Value | undefined): boolean {
  return typeof value === "string" && unknownValues.has(value);
}

/** True for a value with named parts; lists and null have none. */
export function isObject(value: Value | undefined): value is PropertyMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The signature that makes an object special (a secret, an asset, a resource ...), or undefined. */
export function signatureOf(value: Value | undefined): Value | undefined {
  return isObject(value) ? value[signatureKey] : undefined;
}

/** The hash of an asset's or archive's contents, or undefined if there is none. */
export function contentHash(value: Value): Value | undefined {
  const signature = signatureOf(value);
  return isObject(value) && (signature === assetSignature || signature === archiveSignature) ? value.hash : undefined;
}

/** True if the value, or anything inside it, is not known yet. */
export function containsUnknown(value: Value): boolean {
  return isUnknown(value) || children(value).some(containsUnknown);
}

/** The value without its secret marks, at any depth. */
export function reveal(value: Value): Value {
  if (Array.isArray(value)) {
    return value.map(reveal);
  }
  if (!isObject(value)) {
    return value;
  }
  if (signatureOf(value) === secretSignature) {
    return reveal(value.value ?? null);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}

/**
 * An asset whose contents are a file.
 * @param path the file, absolute or relative to where the engine runs
 * @param sha256 digest of the contents, in hexadecimal
 */
export function fileAsset(path: string, sha256: string): Value {
  return { [signatureKey]: assetSignature, hash: sha256, path };
}

/** An archive of assets, keyed by their path inside the archive. */
export function assetArchive(assets: PropertyMap): Value {
  return { [signatureKey]: archiveSignature, assets };
}

function children(value: Value): Value[] {
  return isObject(value) ? Object.values(value) : Array.isArray(value) ? value : [];
}

import { isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { PipelineFile } from "./pipelines";

/** Keys whose value, a string, is the label of a resource. */
const REFERENCES: ReadonlySet<string> = new Set(["resource", "rate_limit", "cache"]);

/** The same keys as templates write them into the config that they make. */
const IN_TEMPLATE = /"(?:resource|rate_limit|cache)": "([\w-]+)"/g;

/**
 * What `benthos lint` does not see: references to resources that do not exist.
 * @param directory how messages call the directory of the files
 * @returns a line for each, with file, line and what is there instead
 */
export function missingResources(files: readonly PipelineFile[], directory: string): string[] {
  const labels = new Set(files.filter(({ path }) => path.startsWith("resources/")).flatMap(({ text }) => resourceLabels(text)));
  return files.flatMap((file) =>
    references(file)
      .filter(({ label }) => !labels.has(label))
      .map(
        ({ line, label }) =>
          `${directory}/${file.path}:${line}: no resource is labelled ${label}; there are ${[...labels].sort().join(", ")}`,
      ),
  );
}

/**
 * Secrets that pipelines refer to as if they were environment: the API of Benthos shows pipelines with what `${…}` stands for.
 * @param secrets names
 * @param directory how messages call the directory of the files
 * @returns a line for each, with file, line and the fix
 */
export function exposedSecrets(files: readonly PipelineFile[], secrets: readonly string[], directory: string): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        secrets
          .filter((name) => line.includes(`\${${name}}`) || line.includes(`\${${name}:`))
          .map(
            (name) =>
              `${directory}/${path}:${index + 1}: ${name} is a secret, which Benthos's API would show; a template has it as file(env("${name}_FILE")).string().trim()`,
          ),
      ),
  );
}

function resourceLabels(text: string): string[] {
  const resources = (parseDocument(text).toJS() ?? {}) as Record<string, readonly { readonly label: string }[]>;
  return Object.values(resources).flatMap((list) => list.map(({ label }) => label));
}

function references({ path, text }: PipelineFile): { readonly line: number; readonly label: string }[] {
  const found: { line: number; label: string }[] = [];
  const lines = new LineCounter();
  visit(parseDocument(text, { lineCounter: lines }), {
    Pair: (_, { key, value }) => {
      if (isScalar(key) && isScalar(value) && REFERENCES.has(String(key.value)) && typeof value.value === "string" && value.value !== "") {
        found.push({ line: lines.linePos(value.range?.[0] ?? 0).line, label: value.value });
      }
    },
  });
  if (path.startsWith("templates/")) {
    for (const { 1: label = "", index } of text.matchAll(IN_TEMPLATE)) {
      found.push({ line: text.slice(0, index).split("\n").length, label });
    }
  }
  return found;
}

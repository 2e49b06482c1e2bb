/** What a server object is declared with, by key: for Pulsar paths of the admin API below the object, for NATS keys of JetStream's API. */
export type Declared = Readonly<Record<string, unknown>>;

/**
 * Server objects as the task reads them: a line for each, followed by a line for everything it is declared with, each with the object's name, so that a
 * preview shows whose value changes.
 * @param objects what each is declared with, by names such as `namespace/arc/agents` or `stream/orders`
 */
export function objectLines(objects: Readonly<Record<string, Declared>>): string {
  return Object.entries(objects)
    .flatMap(([object, declared]) => [
      object,
      ...Object.entries(declared).map(([key, value]) => `${object} ${key} ${JSON.stringify(value)}`),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

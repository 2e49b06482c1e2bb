import * as pulumi from "@pulumi/pulumi";
import { RandomBytes } from "@pulumi/random";
import { SECRET_BYTES } from "../config/credentials";

/** A text that nobody must see, and the generation's secret that it derives from or that marks it. */
export interface Secret {
  readonly text: pulumi.Output<string>;
  readonly master: pulumi.Output<string>;
}

/**
 * The secrets that the keys of each generation derive from, made once and kept in the stack's state, base64.
 * @param name resource name without the number of the generation
 */
export function generationSecrets(parent: pulumi.Resource, name: string, generations: readonly number[]): pulumi.Output<string>[] {
  return generations.map((generation) => new RandomBytes(`${name}-${generation}`, { length: SECRET_BYTES }, { parent }).base64);
}

import type { CommandGroups } from "./groups";
import type { PropertySpecs } from "./inputs";
import type { EngineLog } from "./log";
import type { PropertyMap } from "./values";

/** What handlers share: the way to the user, and the commands that run. */
export interface Context {
  readonly log: EngineLog;
  readonly groups: CommandGroups;
}

/** A type of resource. Inputs have passed the check against `inputs`; failures are thrown as errors. */
export interface ResourceHandler {
  readonly inputs: PropertySpecs;
  /** What a preview shows of a resource to be created; nothing is run. */
  previewCreate(inputs: PropertyMap): PropertyMap;
  /** What a preview shows of a resource to be updated; nothing is run. */
  previewUpdate(olds: PropertyMap, news: PropertyMap): PropertyMap;
  /** Creates the resource and returns its state. */
  create(context: Context, urn: string, inputs: PropertyMap): Promise<PropertyMap>;
  /** Updates the resource from its old state to new inputs and returns its new state. */
  update(context: Context, urn: string, olds: PropertyMap, news: PropertyMap): Promise<PropertyMap>;
  /** Deletes the resource. */
  delete(context: Context, urn: string, state: PropertyMap): Promise<void>;
}

/** A function. Arguments have passed the check against `inputs`; failures are thrown as errors. */
export interface FunctionHandler {
  readonly inputs: PropertySpecs;
  /** Calls the function, in previews too. */
  invoke(context: Context, args: PropertyMap): Promise<PropertyMap>;
}

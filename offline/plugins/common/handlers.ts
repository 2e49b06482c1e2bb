import type { PropertySpecs } from "./inputs";
import type { PropertyMap } from "./values";

/** What is there of a resource besides its properties. */
export interface Identity {
  readonly urn: string;
  /** Empty before the resource is created. */
  readonly id: string;
}

/** A created resource. */
export interface Created {
  /** Undefined: made from the resource's name. */
  readonly id?: string;
  readonly state: PropertyMap;
}

/**
 * A type of resource. Inputs have passed the check against `inputs`; failures are thrown as errors.
 * @typeParam Context what the handlers of a plugin share
 */
export interface ResourceHandler<Context> {
  readonly inputs: PropertySpecs;
  /** What a preview shows of a resource to be created; nothing is done. */
  previewCreate(inputs: PropertyMap): PropertyMap;
  /** What a preview shows of a resource to be updated; nothing is done. */
  previewUpdate(olds: PropertyMap, news: PropertyMap): PropertyMap;
  create(context: Context, urn: string, inputs: PropertyMap): Promise<Created>;
  /** Updates the resource from its old state to new inputs and returns its new state. */
  update(context: Context, identity: Identity, olds: PropertyMap, news: PropertyMap): Promise<PropertyMap>;
  delete(context: Context, identity: Identity, state: PropertyMap): Promise<void>;
  /** The state as it is by now, undefined when the resource is gone. Without it a refresh sees no change. */
  read?(context: Context, identity: Identity, state: PropertyMap): Promise<PropertyMap | undefined>;
}

/** A function. Arguments have passed the check against `inputs`; failures are thrown as errors. */
export interface FunctionHandler<Context> {
  readonly inputs: PropertySpecs;
  /** Calls the function, in previews too. */
  invoke(context: Context, args: PropertyMap): Promise<PropertyMap>;
}

/** A provider plugin. */
export interface Plugin<Context> {
  /** The package name that its tokens start with. */
  readonly name: string;
  /** The version of the official plugin whose behaviour it follows. */
  readonly version: string;
  /** The package schema of what it provides, as JSON. */
  schema(): string;
  readonly resources: ReadonlyMap<string, ResourceHandler<Context>>;
  readonly functions: ReadonlyMap<string, FunctionHandler<Context>>;
  /** Takes the provider's configuration. */
  configure?(context: Context, config: PropertyMap): void;
  /** What the handlers share. @param engineAddress where the engine listens, as host:port */
  open(engineAddress: string): Context;
  /** Ends what is under way: the operation was cancelled. */
  cancel(context: Context): Promise<void>;
  /** Lets go of everything: the plugin ends. */
  close(context: Context): Promise<void>;
}

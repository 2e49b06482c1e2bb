import type * as handlers from "../common/handlers";
import type { Connections } from "./connections";
import type { CommandGroups } from "./groups";
import type { EngineLog } from "./log";

/** What handlers share: the way to the user, and the commands that run. */
export interface Context {
  readonly log: EngineLog;
  readonly groups: CommandGroups;
  readonly connections: Connections;
}

export type ResourceHandler = handlers.ResourceHandler<Context>;
export type FunctionHandler = handlers.FunctionHandler<Context>;

import { serve } from "../common/serve";
import { Connections } from "./connections";
import type { Context } from "./context";
import { copyToRemote } from "./copy";
import { CommandGroups } from "./groups";
import { pluginName, pluginVersion } from "./identity";
import { localCommand, localRun } from "./local";
import { EngineLog } from "./log";
import { remoteCommand } from "./remote";
import { packageSchema } from "./schema";

/**
 * It differs from the official plugin in that
 * - it provides commands, here and over SSH, and copies to a server, and nothing that is deprecated;
 * - what is done on one server shares a connection (the official one logs in for each command);
 * - a connection with a pinned host key asks the server for a key of that type;
 * - the output of a command with a secret input is secret (the official one stores it in clear unless
 *   `additionalSecretOutputs` names it);
 * - ending a command ends all of its process group, and commands do not outlive the engine;
 * - an archive has no hash of its own.
 */
serve<Context>({
  name: pluginName,
  version: pluginVersion,
  schema: packageSchema,
  resources: new Map([
    ["command:local:Command", localCommand],
    ["command:remote:Command", remoteCommand],
    ["command:remote:CopyToRemote", copyToRemote],
  ]),
  functions: new Map([["command:local:run", localRun]]),
  open: (engineAddress) => {
    const groups = new CommandGroups();
    return { log: new EngineLog(engineAddress), groups, connections: new Connections(groups) };
  },
  cancel: ({ groups }) => groups.endAll(),
  close: async ({ log }) => log.close(),
});

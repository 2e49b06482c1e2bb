import { loadConfig } from "./config/load";
import { connectHosts } from "./hosts/connect";
import { withholdResponses } from "./hosts/debug-log";
import { spareStackTraces } from "./hosts/stack-traces";

/** The stack: checks the config, observes the hosts, declares what they carry, and returns the endpoints. */
export = async () => {
  spareStackTraces();
  withholdResponses();
  const config = loadConfig();
  const connected = connectHosts(config.observe ? config.hosts : {});
  try {
    // The hosts answer while this is loaded, and the SDK with it: half a second.
    const { declareStack } = await import("./components/stack");
    return await declareStack(config, connected);
  } finally {
    for (const { connection } of connected.values()) connection.close();
  }
};

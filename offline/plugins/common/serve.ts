import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import type { Plugin } from "./handlers";
import { providerService } from "./provider";

const parentPollMilliseconds = 500;
// The engine's own limit; gRPC's default of 4 MiB is less than a command may print.
const maxMessageBytes = 400 * 1024 * 1024;

/** Runs a plugin until the engine ends it or is gone. */
export function serve<Context>(plugin: Plugin<Context>): void {
  const engineAddress = process.argv.slice(2).at(-1);
  if (!engineAddress) {
    process.stderr.write("fatal: started by the Pulumi engine only, with the engine's address as last argument\n");
    process.exit(1);
  }
  const context = plugin.open(engineAddress);
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
  });
  server.addService(ResourceProviderService, providerService(plugin, context));
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
      process.stderr.write(`fatal: cannot listen: ${error.message}\n`);
      process.exit(1);
    }
    process.stdout.write(`${port}\n`);
  });
  onEnd(async () => {
    await plugin.cancel(context);
    server.forceShutdown();
    await plugin.close(context);
    process.exit(0);
  });
}

/** Calls back once when the plugin is to end: by a signal, or because the engine is gone. */
function onEnd(end: () => Promise<void>): void {
  let ending = false;
  const once = (): void => {
    if (!ending) {
      ending = true;
      void end();
    }
  };
  process.on("SIGINT", once);
  process.on("SIGTERM", once);
  // An engine killed with SIGKILL says nothing: its plugins only find that they have another parent.
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) {
      once();
    }
  }, parentPollMilliseconds);
}

import { type NatsConfig, PROOF_BYTES } from "../config/nats";
import type { TaskText } from "../hosts/task";

/**
 * The question to a host whether its streams, the declared ones and the server of a config go together: room for all reservations at every moment of an
 * up, and a store that the server's version may serve. It is asked and never declared.
 * @param url address of the server
 * @param storeDir JetStream's store directory
 */
export function natsGuard(url: string, nats: NatsConfig, storeDir: string): TaskText {
  return {
    name: "nats-guard",
    script: "nats-guard",
    uses: ["products/nats-server.sh", "jetstream.sh"],
    inputs: {
      URL: url,
      VERSION: nats.version,
      STORE_DIR: storeDir,
      MAX_MEM: nats.jetstream.maxMemoryStoreBytes,
      MAX_FILE: nats.jetstream.maxFileStoreBytes,
      PROOF_BYTES,
    },
    body: Object.entries(nats.streams)
      .map(([name, { storage, maxBytes }]) => `${storage} ${name} ${maxBytes}\n`)
      .join(""),
  };
}

// Publishes messages that carry chosen sequence ids, as a producer does that sends again what it does not know to be stored. No tool of the distribution and no
// REST call can set one; Pulsar's WebSocket API can: a producer numbers its messages from initialSequenceId on.
// Usage: node --import tsx --experimental-websocket numbered-producer.ts ADMIN_URL TENANT/NAMESPACE/TOPIC FIRST LAST
// https://pulsar.apache.org/docs/3.3.x/client-libraries-websocket/
import { once } from "node:events";
import type { MessageEvent, WebSocket as WebSocketType } from "undici-types";

declare const WebSocket: typeof WebSocketType;

async function main([adminUrl = "", topic = "", first = "", last = ""]: readonly string[]): Promise<void> {
  const query = new URLSearchParams({ producerName: "numbered", initialSequenceId: String(Number(first) - 1) });
  const socket = new WebSocket(`${adminUrl.replace("http", "ws")}/ws/v2/producer/persistent/${topic}?${query.toString()}`);
  await once(socket, "open");
  for (let id = Number(first); id <= Number(last); id++) {
    socket.send(JSON.stringify({ payload: Buffer.from(`message ${id}`).toString("base64") }));
    const [answer] = (await once(socket, "message")) as [MessageEvent<string>];
    const { result } = JSON.parse(answer.data) as { result: string };
    if (result !== "ok") throw new Error(answer.data);
  }
  socket.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});

// What a client does with the stack, in Node: npm run -s outputs -- --json --show-secrets | node patterns.mjs [USER]
//
// Publish and subscribe, queue group, request and reply, a JetStream stream with a durable consumer and replay; where Pulsar's WebSocket API is
// switched on, produce, consume and replay with it. The stack's outputs on standard input say where the servers are, and how USER (agents) proves who it is where
// they ask. Streams, subjects and topics are those of Pulumi.dev.yaml. Ends with 1 when something does not come as it should.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { json } from "node:stream/consumers";
import { AckPolicy, connect, JSONCodec, nkeyAuthenticator, StringCodec } from "nats";
import WebSocket from "ws";

const TIMEOUT_MILLISECONDS = 10_000;

const text = StringCodec();
const events = JSONCodec();

/** The first of the messages that come. @template Message @param {AsyncIterable<Message>} messages @returns {Promise<Message>} */
async function next(messages) {
  for await (const message of messages) return message;
  throw new Error("nothing came");
}

const patterns = {
  /** Every subscriber gets every message; who is not there gets none. */
  async publishSubscribe(client, run) {
    const subscribers = [1, 2].map(() => client.subscribe(`agent.${run}`, { max: 1, timeout: TIMEOUT_MILLISECONDS }));
    client.publish(`agent.${run}`, text.encode("event data"));
    for (const subscriber of subscribers) assert.equal(text.decode((await next(subscriber)).data), "event data");
  },

  /** One of the workers of a group gets each message. */
  async queueGroup(client, run) {
    const workers = [1, 2].map(() => client.subscribe(`agent.tasks.${run}`, { queue: "workers", callback: () => undefined }));
    for (let number = 0; number < 20; number++) client.publish(`agent.tasks.${run}`, text.encode(String(number)));
    await client.flush();
    const received = workers.reduce((sum, worker) => sum + worker.getReceived(), 0);
    assert.equal(received, 20);
  },

  /** A question, and the answer of whoever is there. */
  async requestReply(client, run) {
    client.subscribe(`agent.request.${run}`, {
      callback: (_, message) => message.respond(text.encode(`response to ${text.decode(message.data)}`)),
    });
    const reply = await client.request(`agent.request.${run}`, text.encode("request data"), { timeout: TIMEOUT_MILLISECONDS });
    assert.equal(text.decode(reply.data), "response to request data");
  },

  /** Messages that are stored until the stream's limits: acknowledged when published and when read, and read again from the beginning. */
  async stream(client, run) {
    const subject = `events.${run}`;
    const event = { agent: "example", kind: "note", data: { run } };
    const jetstream = client.jetstream();
    // A message with an id that was there is not stored again.
    const first = await jetstream.publish(subject, events.encode(event), { msgID: run });
    const again = await jetstream.publish(subject, events.encode(event), { msgID: run });
    assert.ok(again.duplicate && again.seq === first.seq);
    // Durable: another process goes on where this one stops. The stack declares those of its own (consumers of a stream).
    const manager = await client.jetstreamManager();
    const name = `example-${run}`;
    await manager.consumers.add("events", { durable_name: name, ack_policy: AckPolicy.Explicit, filter_subject: subject });
    const worker = await jetstream.consumers.get("events", name);
    const message = await worker.next({ expires: TIMEOUT_MILLISECONDS });
    assert.deepEqual(message && events.decode(message.data), event);
    assert.ok(await message.ackAck());
    await manager.consumers.delete("events", name);
    // Ordered consumers begin with the first message.
    const replay = await jetstream.consumers.get("events", { filterSubjects: subject });
    const earliest = await next(await replay.fetch({ max_messages: 1, expires: TIMEOUT_MILLISECONDS }));
    assert.deepEqual(events.decode(earliest.data), event);
  },
};

/**
 * One end of a topic over Pulsar's WebSocket API. https://pulsar.apache.org/docs/3.3.x/client-libraries-websocket/
 * @param server its outputs @param user whose token @param path what it does with which topic
 */
async function socketOf(server, user, path) {
  const socket = new WebSocket(`${server.webSocketUrl}/${path}`, {
    handshakeTimeout: TIMEOUT_MILLISECONDS,
    ...(server.tokens === undefined ? {} : { headers: { authorization: `Bearer ${server.tokens[user]}` } }),
  });
  const received = [];
  const waiting = [];
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    const resolve = waiting.shift();
    if (resolve === undefined) received.push(message);
    else resolve(message);
  });
  await once(socket, "open");
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    next: () => (received.length > 0 ? Promise.resolve(received.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => socket.close(),
  };
}

/** Events that are stored and read by each subscription on its own; a reader begins where it likes. */
async function topic(server, user, run) {
  const name = "persistent/arc/agents/events";
  const event = JSON.stringify({ agent: "example", kind: "note", data: { run: `${run}-pulsar` } });
  const payload = Buffer.from(event).toString("base64");
  const open = (path) => socketOf(server, user, path);
  const consumer = await open(`consumer/${name}/example-${run}?subscriptionType=Shared`);
  const producer = await open(`producer/${name}`);
  producer.send({ payload, key: run });
  assert.equal((await producer.next()).result, "ok");
  for (let message; message?.payload !== payload;) {
    message = await consumer.next();
    consumer.send({ messageId: message.messageId });
  }
  consumer.close();
  const reader = await open(`reader/${name}?messageId=earliest`);
  for (let message; message?.payload !== payload;) {
    message = await reader.next();
    reader.send({ messageId: message.messageId });
  }
  reader.close();
  producer.close();
}

const outputs = await json(process.stdin);
const user = process.argv[2] ?? "agents";
const run = randomBytes(4).toString("hex");
const { url, keys, ca } = outputs.nats;
const client = await connect({
  servers: url,
  ...(keys === undefined ? {} : { authenticator: nkeyAuthenticator(new TextEncoder().encode(keys[user])) }),
  ...(ca === undefined ? {} : { tls: { caFile: ca } }),
});
try {
  for (const [name, pattern] of Object.entries(patterns)) {
    await pattern(client, run);
    console.log(`${name}: as it should be`);
  }
} finally {
  await client.close();
}
if (outputs.pulsar?.webSocketUrl !== undefined) {
  // Whoever waits longer than this has got nothing.
  const late = setTimeout(() => {
    console.error("topic: nothing came");
    process.exit(1);
  }, 2 * TIMEOUT_MILLISECONDS);
  await topic(outputs.pulsar, user, run);
  clearTimeout(late);
  console.log("topic: as it should be");
}

// What a client does with NATS, in Node: npm run -s outputs -- --json | node patterns.mjs
//
// Publish and subscribe, queue group, request and reply, a JetStream stream with a durable consumer and replay. The stack's outputs on standard input say where
// the server is. Streams and subjects are those of Pulumi.dev.yaml. Ends with 1 when something does not come as it should.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { json } from "node:stream/consumers";
import { AckPolicy, connect, JSONCodec, StringCodec } from "nats";

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

const outputs = await json(process.stdin);
const run = randomBytes(4).toString("hex");
const client = await connect({ servers: outputs.nats.url });
try {
  for (const [name, pattern] of Object.entries(patterns)) {
    await pattern(client, run);
    console.log(`${name}: as it should be`);
  }
} finally {
  await client.close();
}

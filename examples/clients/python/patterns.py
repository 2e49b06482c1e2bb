"""What a client does with the stack, in Python: npm run -s outputs -- --json --show-secrets | python patterns.py [USER]

Publish and subscribe, queue group, request and reply, a JetStream stream with a durable consumer and replay; produce, consume and replay with Pulsar.
The stack's outputs on standard input say where the servers are, and how USER (agents) proves who it is where they ask. Streams, subjects and topics are those of Pulumi.dev.yaml. Ends with 1 when something does
not come as it should.
"""

import asyncio
import json
import ssl
import sys
import uuid

import nats
import pulsar
from nats.js.api import ConsumerConfig, DeliverPolicy

TIMEOUT_SECONDS = 10

TOPIC = "persistent://arc/agents/events"


def event_of(run):
    """An event as the pipelines of the stack take it; anything else would become a dead letter."""
    return json.dumps({"agent": "example", "kind": "note", "data": {"run": run}}).encode()


async def publish_subscribe(client, run):
    """Every subscriber gets every message; who is not there gets none."""
    subject = f"agent.{run}"
    subscribers = [await client.subscribe(subject) for _ in range(2)]
    await client.flush()
    await client.publish(subject, b"event data")
    for subscriber in subscribers:
        message = await subscriber.next_msg(timeout=TIMEOUT_SECONDS)
        assert message.data == b"event data", message.data


async def queue_group(client, run):
    """One of the workers of a group gets each message."""
    subject = f"agent.tasks.{run}"
    workers = [await client.subscribe(subject, queue="workers") for _ in range(2)]
    await client.flush()
    for number in range(20):
        await client.publish(subject, str(number).encode())
    await client.flush()
    await asyncio.sleep(0.5)
    counts = [worker.pending_msgs for worker in workers]
    assert sum(counts) == 20, counts


async def request_reply(client, run):
    """A question, and the answer of whoever is there."""
    subject = f"agent.request.{run}"

    async def answer(message):
        await message.respond(b"response to " + message.data)

    await client.subscribe(subject, cb=answer)
    reply = await client.request(subject, b"request data", timeout=TIMEOUT_SECONDS)
    assert reply.data == b"response to request data", reply.data


async def stream(client, run):
    """Messages that are stored until the stream's limits: acknowledged when published and when read, and read again from the beginning."""
    jetstream = client.jetstream()
    # A message with an id that was there is not stored again.
    event = event_of(run)
    first = await jetstream.publish(f"events.{run}", event, headers={"Nats-Msg-Id": run})
    again = await jetstream.publish(f"events.{run}", event, headers={"Nats-Msg-Id": run})
    assert again.duplicate and again.seq == first.seq, again
    # Durable: another process goes on where this one stops. The stack declares those of its own (consumers of a stream).
    worker = await jetstream.pull_subscribe(f"events.{run}", durable=f"example-{run}", stream="events")
    [message] = await worker.fetch(1, timeout=TIMEOUT_SECONDS)
    assert message.data == event, message.data
    await message.ack_sync(timeout=TIMEOUT_SECONDS)
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    replay = await jetstream.subscribe(f"events.{run}", stream="events", ordered_consumer=True, config=config)
    message = await replay.next_msg(timeout=TIMEOUT_SECONDS)
    assert message.data == event, message.data
    await jetstream.delete_consumer("events", f"example-{run}")


async def connect(server, user):
    """A connection to NATS: with the user's key where the server asks for one, over TLS where it has it."""
    options = {}
    if "keys" in server:
        options["nkeys_seed_str"] = server["keys"][user]
    if "ca" in server:
        options["tls"] = ssl.create_default_context(cafile=server["ca"])
    return await nats.connect(server["url"], **options)


def pulsar_client(server, user):
    """A client of Pulsar: with the role's token where the broker asks for one, over TLS where it has it."""
    options = {}
    if "tokens" in server:
        options["authentication"] = pulsar.AuthenticationToken(server["tokens"][user])
    if "tls" in server:
        options["tls_trust_certs_file_path"] = server["tls"]["ca"]
        options["tls_validate_hostname"] = True
    url = server.get("tls", server)["serviceUrl"]
    logger = pulsar.ConsoleLogger(pulsar.LoggerLevel.Error)
    return pulsar.Client(url, operation_timeout_seconds=TIMEOUT_SECONDS, logger=logger, **options)


def topic(client, run):
    """Events that are stored and read by each subscription on its own; a reader begins where it likes."""
    try:
        consumer = client.subscribe(TOPIC, f"example-{run}", consumer_type=pulsar.ConsumerType.Shared)
        producer = client.create_producer(TOPIC)
        event = event_of(f"{run}-pulsar")
        producer.send(event, partition_key=run)
        message = consumer.receive(timeout_millis=TIMEOUT_SECONDS * 1000)
        while message.data() != event:
            consumer.acknowledge(message)
            message = consumer.receive(timeout_millis=TIMEOUT_SECONDS * 1000)
        consumer.acknowledge(message)
        consumer.unsubscribe()
        reader = client.create_reader(TOPIC, pulsar.MessageId.earliest)
        while reader.read_next(timeout_millis=TIMEOUT_SECONDS * 1000).data() != event:
            pass
    finally:
        client.close()


async def main():
    outputs = json.load(sys.stdin)
    user = sys.argv[1] if len(sys.argv) > 1 else "agents"
    run = uuid.uuid4().hex[:8]
    client = await connect(outputs["nats"], user)
    try:
        for pattern in (publish_subscribe, queue_group, request_reply, stream):
            await pattern(client, run)
            print(f"{pattern.__name__}: as it should be")
    finally:
        await client.close()
    topic(pulsar_client(outputs["pulsar"], user), run)
    print("topic: as it should be")


asyncio.run(main())

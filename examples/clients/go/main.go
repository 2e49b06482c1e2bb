// What a client does with the stack, in Go: npm run -s outputs -- --json --show-secrets | go run . [USER]
//
// Publish and subscribe, queue group, request and reply, a JetStream stream with a durable consumer and replay; produce, consume and replay with Pulsar.
// The stack's outputs on standard input say where the servers are, and how USER (agents) proves who it is where they ask. Streams, subjects and topics are those
// of Pulumi.dev.yaml. Ends with 1 when something does not come as it should.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/apache/pulsar-client-go/pulsar"
	pulsarlog "github.com/apache/pulsar-client-go/pulsar/log"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/nats-io/nuid"
	"github.com/sirupsen/logrus"
)

const (
	timeout    = 10 * time.Second
	eventTopic = "persistent://arc/agents/events"
)

// outputs is the part of the stack's outputs that clients need.
type outputs struct {
	NATS struct {
		URL string
		// Keys of the users, where the server asks for one.
		Keys map[string]string
		// CA is the certificate authority, where the server speaks TLS.
		CA string
	}
	Pulsar struct {
		ServiceURL string
		// Tokens of the roles, where the broker asks for one.
		Tokens map[string]string
		// TLS is how to reach the broker over TLS, where it has that.
		TLS struct{ ServiceURL, CA string }
	}
}

// connect to NATS: with the user's key where the server asks for one, over TLS where it has it.
func (stack outputs) connect(user string) (*nats.Conn, error) {
	options := []nats.Option{nats.Timeout(timeout)}
	if seed, asked := stack.NATS.Keys[user]; asked {
		key, err := nkeys.FromSeed([]byte(seed))
		if err != nil {
			return nil, err
		}
		public, err := key.PublicKey()
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Nkey(public, key.Sign))
	}
	if stack.NATS.CA != "" {
		options = append(options, nats.RootCAs(stack.NATS.CA))
	}
	return nats.Connect(stack.NATS.URL, options...)
}

// pulsarClient of the stack: with the role's token where the broker asks for one, over TLS where it has it.
func (stack outputs) pulsarClient(user string) (pulsar.Client, error) {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	options := pulsar.ClientOptions{URL: stack.Pulsar.ServiceURL, OperationTimeout: timeout, Logger: pulsarlog.NewLoggerWithLogrus(quiet)}
	if token, asked := stack.Pulsar.Tokens[user]; asked {
		options.Authentication = pulsar.NewAuthenticationToken(token)
	}
	if tls := stack.Pulsar.TLS; tls.CA != "" {
		options.URL, options.TLSTrustCertsFilePath, options.TLSValidateHostname = tls.ServiceURL, tls.CA, true
	}
	return pulsar.NewClient(options)
}

// eventOf is an event as the pipelines of the stack take it; anything else would become a dead letter.
func eventOf(run string) []byte {
	return []byte(fmt.Sprintf(`{"agent":"example","kind":"note","data":{"run":%q}}`, run))
}

func expect(got, wanted []byte) error {
	if !bytes.Equal(got, wanted) {
		return fmt.Errorf("got %q instead of %q", got, wanted)
	}
	return nil
}

// publishSubscribe: every subscriber gets every message; who is not there gets none.
func publishSubscribe(client *nats.Conn, run string) error {
	subject := "agent." + run
	var subscribers []*nats.Subscription
	for range 2 {
		subscriber, err := client.SubscribeSync(subject)
		if err != nil {
			return err
		}
		subscribers = append(subscribers, subscriber)
	}
	if err := client.Publish(subject, []byte("event data")); err != nil {
		return err
	}
	for _, subscriber := range subscribers {
		message, err := subscriber.NextMsg(timeout)
		if err != nil {
			return err
		}
		if err := expect(message.Data, []byte("event data")); err != nil {
			return err
		}
	}
	return nil
}

// queueGroup: one of the workers of a group gets each message.
func queueGroup(client *nats.Conn, run string) error {
	subject := "agent.tasks." + run
	tasks := make(chan *nats.Msg, 40)
	for range 2 {
		if _, err := client.ChanQueueSubscribe(subject, "workers", tasks); err != nil {
			return err
		}
	}
	for number := range 20 {
		if err := client.Publish(subject, []byte(fmt.Sprint(number))); err != nil {
			return err
		}
	}
	for range 20 {
		select {
		case <-tasks:
		case <-time.After(timeout):
			return fmt.Errorf("a task is missing")
		}
	}
	select {
	case twice := <-tasks:
		return fmt.Errorf("task %s came twice", twice.Data)
	case <-time.After(500 * time.Millisecond):
		return nil
	}
}

// requestReply: a question, and the answer of whoever is there.
func requestReply(client *nats.Conn, run string) error {
	subject := "agent.request." + run
	answer := func(message *nats.Msg) {
		if err := message.Respond(append([]byte("response to "), message.Data...)); err != nil {
			log.Print(err)
		}
	}
	if _, err := client.Subscribe(subject, answer); err != nil {
		return err
	}
	reply, err := client.Request(subject, []byte("request data"), timeout)
	if err != nil {
		return err
	}
	return expect(reply.Data, []byte("response to request data"))
}

// stream: messages that are stored until the stream's limits, acknowledged when published and when read, and read again from the beginning.
func stream(client *nats.Conn, run string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	js, err := jetstream.New(client)
	if err != nil {
		return err
	}
	subject, event := "events."+run, eventOf(run)
	// A message with an id that was there is not stored again.
	first, err := js.Publish(ctx, subject, event, jetstream.WithMsgID(run))
	if err != nil {
		return err
	}
	again, err := js.Publish(ctx, subject, event, jetstream.WithMsgID(run))
	if err != nil {
		return err
	}
	if !again.Duplicate || again.Sequence != first.Sequence {
		return fmt.Errorf("stored twice: %d and %d", first.Sequence, again.Sequence)
	}
	// Durable: another process goes on where this one stops. The stack declares those of its own (consumers of a stream).
	name := "example-" + run
	worker, err := js.CreateConsumer(ctx, "events", jetstream.ConsumerConfig{Durable: name, FilterSubject: subject})
	if err != nil {
		return err
	}
	message, err := worker.Next(jetstream.FetchMaxWait(timeout))
	if err != nil {
		return err
	}
	if err := expect(message.Data(), event); err != nil {
		return err
	}
	if err := message.DoubleAck(ctx); err != nil {
		return err
	}
	if err := js.DeleteConsumer(ctx, "events", name); err != nil {
		return err
	}
	replay, err := js.OrderedConsumer(ctx, "events", jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject},
		DeliverPolicy:  jetstream.DeliverAllPolicy,
	})
	if err != nil {
		return err
	}
	earliest, err := replay.Next(jetstream.FetchMaxWait(timeout))
	if err != nil {
		return err
	}
	return expect(earliest.Data(), event)
}

// topic: events that are stored and read by each subscription on its own; a reader begins where it likes.
func topic(stack outputs, user, run string) error {
	client, err := stack.pulsarClient(user)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	consumer, err := client.Subscribe(pulsar.ConsumerOptions{Topic: eventTopic, SubscriptionName: "example-" + run, Type: pulsar.Shared})
	if err != nil {
		return err
	}
	producer, err := client.CreateProducer(pulsar.ProducerOptions{Topic: eventTopic})
	if err != nil {
		return err
	}
	event := eventOf(run + "-pulsar")
	if _, err := producer.Send(ctx, &pulsar.ProducerMessage{Key: run, Payload: event}); err != nil {
		return err
	}
	for found := false; !found; {
		message, err := consumer.Receive(ctx)
		if err != nil {
			return err
		}
		if err := consumer.Ack(message); err != nil {
			return err
		}
		found = bytes.Equal(message.Payload(), event)
	}
	if err := consumer.Unsubscribe(); err != nil {
		return err
	}
	reader, err := client.CreateReader(pulsar.ReaderOptions{Topic: eventTopic, StartMessageID: pulsar.EarliestMessageID()})
	if err != nil {
		return err
	}
	defer reader.Close()
	for {
		message, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		if bytes.Equal(message.Payload(), event) {
			return nil
		}
	}
}

func run() error {
	var stack outputs
	if err := json.NewDecoder(os.Stdin).Decode(&stack); err != nil {
		return err
	}
	id, user := nuid.Next(), "agents"
	if len(os.Args) > 1 {
		user = os.Args[1]
	}
	client, err := stack.connect(user)
	if err != nil {
		return err
	}
	defer client.Close()
	patterns := []struct {
		name string
		run  func() error
	}{
		{"publishSubscribe", func() error { return publishSubscribe(client, id) }},
		{"queueGroup", func() error { return queueGroup(client, id) }},
		{"requestReply", func() error { return requestReply(client, id) }},
		{"stream", func() error { return stream(client, id) }},
		{"topic", func() error { return topic(stack, user, id) }},
	}
	for _, pattern := range patterns {
		if err := pattern.run(); err != nil {
			return fmt.Errorf("%s: %w", pattern.name, err)
		}
		fmt.Printf("%s: as it should be\n", pattern.name)
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

package downstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/benthosdev/benthos/v4/public/service"
)

// call is a processor that fails a number of times and then changes the message.
type call struct{ failures int }

func (c *call) Close(context.Context) error { return nil }

func (c *call) Process(_ context.Context, message *service.Message) (service.MessageBatch, error) {
	message.SetBytes([]byte("changed"))
	if c.failures--; c.failures >= 0 {
		return nil, errors.New("429")
	}
	return service.MessageBatch{message}, nil
}

// process runs one message through a processor circuit_breaker around a call and returns what comes out.
func process(t *testing.T, config string, failures int) *service.Message {
	t.Helper()
	env := service.NewEnvironment()
	err := env.RegisterProcessor("call", service.NewConfigSpec(), func(*service.ParsedConfig, *service.Resources) (service.Processor, error) {
		return &call{failures}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	builder := env.NewStreamBuilder()
	if err := builder.SetLoggerYAML("level: none"); err != nil {
		t.Fatal(err)
	}
	if err := builder.AddResourcesYAML("rate_limit_resources: [{ label: service, adaptive: { initial: 1000, interval: 1ms } }]"); err != nil {
		t.Fatal(err)
	}
	config += "\nprocessors: [{ call: {} }]\nretry: { initial_interval: 2ms, max_interval: 2ms }\nrate_limit: service"
	if err := builder.AddProcessorYAML("circuit_breaker:\n" + indent(config)); err != nil {
		t.Fatal(err)
	}
	produce, err := builder.AddProducerFunc()
	if err != nil {
		t.Fatal(err)
	}
	var got *service.Message
	if err := builder.AddConsumerFunc(func(_ context.Context, message *service.Message) error { got = message; return nil }); err != nil {
		t.Fatal(err)
	}
	stream, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(t.Context()) }()
	if err := produce(t.Context(), service.NewMessage([]byte("original"))); err != nil {
		t.Fatal(err)
	}
	found, _ := adaptives.Load("service")
	limit := found.(*adaptive).limit
	if failures > 0 && limit >= 1000 {
		t.Fatalf("the rate limit did not hear of %v failures: %v", failures, limit)
	}
	if err := stream.StopWithin(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	<-ended
	return got
}

func TestProcessorRepeatsTheCall(t *testing.T) {
	message := process(t, "max_attempts: 4", 3)
	content, _ := message.AsBytes()
	if string(content) != "changed" || message.GetError() != nil {
		t.Fatalf("%s, %v", content, message.GetError())
	}
}

func TestProcessorMarksWhatItGivesUp(t *testing.T) {
	message := process(t, "max_attempts: 3", 3)
	content, _ := message.AsBytes()
	if attempts := attemptsOf(message.GetError()); string(content) != "original" || attempts != 3 {
		t.Fatalf("%s after %v attempts, %v", content, attempts, message.GetError())
	}
}

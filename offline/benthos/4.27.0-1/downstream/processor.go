package downstream

import (
	"context"
	"errors"

	"github.com/benthosdev/benthos/v4/public/service"
)

func init() {
	spec := service.NewConfigSpec().
		Summary("Runs child processors that call a downstream through a circuit breaker.").
		Description("An error of the children is taken for a failure of the downstream, so only the call belongs into them. A message whose attempts are used " +
			"up keeps its content and is marked with the error as by any processor; the output `circuit_breaker` counts these attempts. While the circuit is open " +
			"messages wait.").
		Field(service.NewProcessorListField("processors").Description("What calls the downstream.")).
		Fields(deliveryFields()...)
	if err := service.RegisterProcessor("circuit_breaker", spec, newProcessor); err != nil {
		panic(err)
	}
}

func newProcessor(conf *service.ParsedConfig, res *service.Resources) (service.Processor, error) {
	delivery, maxAttempts, err := newDelivery(conf, res, true)
	if err != nil {
		return nil, err
	}
	children, err := conf.FieldProcessorList("processors")
	if err != nil {
		return nil, err
	}
	return &processor{delivery: delivery, maxAttempts: maxAttempts, children: children}, nil
}

// processor is the processor circuit_breaker.
type processor struct {
	*delivery
	maxAttempts int
	children    []*service.OwnedProcessor
}

// Process returns what the children make of a message.
func (p *processor) Process(ctx context.Context, message *service.Message) (service.MessageBatch, error) {
	var made service.MessageBatch
	call := func(ctx context.Context, batch service.MessageBatch) (service.MessageBatch, error) {
		made = nil
		// The children get a copy with the time limit of the attempt, so that a failed one leaves the message as it was.
		results, err := service.ExecuteProcessors(ctx, p.children, service.MessageBatch{batch[0].Copy().WithContext(ctx)})
		for _, result := range results {
			for _, part := range result {
				if err == nil {
					err = part.GetError()
				}
				made = append(made, part.WithContext(message.Context()))
			}
		}
		return batch, err
	}
	_, attempts, err := p.deliver(ctx, service.MessageBatch{message}, p.maxAttempts, call)
	if err != nil {
		return nil, &givenUpError{err, attempts}
	}
	return made, nil
}

// givenUpError carries the attempts through processors such as branch, which lose the metadata of a message that failed.
type givenUpError struct {
	error
	attempts int
}

// attemptsOf returns the attempts behind the error of a message; a processor that knows nothing of attempts has made one.
func attemptsOf(err error) int {
	var givenUp *givenUpError
	if errors.As(err, &givenUp) {
		return givenUp.attempts
	}
	return 1
}

// Close ends the children.
func (p *processor) Close(ctx context.Context) error {
	for _, child := range p.children {
		if err := child.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

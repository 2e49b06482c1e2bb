package downstream

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/benthosdev/benthos/v4/public/service"
)

const (
	wait     = "wait"
	fallback = "fallback"
)

const closeTimeout = 5 * time.Second

func init() {
	spec := service.NewConfigSpec().
		Summary("Delivers messages to a child output through a circuit breaker, at least once, and hands what cannot be delivered to a fallback.").
		Description("A message with an error from a processor goes to the fallback without an attempt. A batch that keeps failing is halved until the messages " +
			"that spoil it stand alone. What reaches the fallback carries the metadata `error` and `attempts`. A message is acknowledged when the child or the " +
			"fallback has it, otherwise it is rejected and its input delivers it again.").
		Field(service.NewOutputField("output").Description("The downstream.")).
		Field(service.NewOutputField(fallback).
			Description("Where messages go that cannot be delivered. Without it they are rejected.").Optional()).
		Field(service.NewStringAnnotatedEnumField("when_open", map[string]string{
			wait:     "Messages wait until the circuit closes; nothing more is consumed meanwhile.",
			fallback: "Messages go to the fallback at once.",
		}).Description("What happens to messages while the circuit is open.").Default(wait)).
		Fields(deliveryFields()...).
		Field(service.NewOutputMaxInFlightField()).
		Field(service.NewBatchPolicyField("batching")).
		LintRule(`root = if this.when_open.or("wait") == "fallback" && !this.exists("fallback") { [ "when_open: fallback requires a fallback" ] }`)
	if err := service.RegisterBatchOutput("circuit_breaker", spec, newOutput); err != nil {
		panic(err)
	}
}

func newOutput(conf *service.ParsedConfig, res *service.Resources) (
	out service.BatchOutput, batching service.BatchPolicy, maxInFlight int, err error,
) {
	whenOpen, err := conf.FieldString("when_open")
	if err != nil {
		return
	}
	o := &output{
		delivered: res.Metrics().NewCounter("circuit_breaker_delivered"),
		givenUp:   res.Metrics().NewCounter("circuit_breaker_fallback"),
	}
	if o.delivery, o.maxAttempts, err = newDelivery(conf, res, whenOpen == wait); err != nil {
		return
	}
	if o.child, err = ownedOutput(conf, "output"); err != nil {
		return
	}
	if conf.Contains(fallback) {
		if o.fallback, err = ownedOutput(conf, fallback); err != nil {
			return
		}
	}
	if batching, err = conf.FieldBatchPolicy("batching"); err != nil {
		return
	}
	maxInFlight, err = conf.FieldMaxInFlight()
	return o, batching, maxInFlight, err
}

// ownedOutput starts a child output: one that has never been started never ends either.
func ownedOutput(conf *service.ParsedConfig, field string) (*service.OwnedOutput, error) {
	child, err := conf.FieldOutput(field)
	if err != nil {
		return nil, err
	}
	return child, child.Prime()
}

// output is the output circuit_breaker.
type output struct {
	*delivery
	maxAttempts        int
	child              *service.OwnedOutput
	fallback           *service.OwnedOutput // nil: none
	delivered, givenUp *service.MetricCounter
}

// Connect makes /ready wait for a healthy downstream. Later the circuit sees to it.
func (o *output) Connect(ctx context.Context) error {
	if !o.healthy(ctx) {
		return errors.New(o.healthCheck + " does not answer")
	}
	return nil
}

// WriteBatch returns nil when the child or the fallback has each message.
func (o *output) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	var sound, errored service.MessageBatch
	for _, message := range batch {
		if message.GetError() == nil {
			sound = append(sound, message)
		} else {
			errored = append(errored, message)
		}
	}
	if err := o.write(ctx, sound, 0); err != nil {
		return err
	}
	for _, message := range errored {
		if err := o.giveUp(ctx, service.MessageBatch{message}, attemptsOf(message.GetError()), message.GetError()); err != nil {
			return err
		}
	}
	return nil
}

// write delivers a batch. A part of a batch that was given up begins anew, with the attempts before it in its count.
func (o *output) write(ctx context.Context, batch service.MessageBatch, before int) error {
	if len(batch) == 0 {
		return nil
	}
	left, attempts, err := o.deliver(ctx, batch, o.maxAttempts, o.send)
	attempts += before
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return err
	case len(left) > 1 && !errors.Is(err, errOpen):
		half := len(left) / 2
		return errors.Join(o.write(ctx, left[:half], attempts), o.write(ctx, left[half:], attempts))
	default:
		return o.giveUp(ctx, left, attempts, err)
	}
}

// send makes one attempt and returns the messages that the child has not taken.
func (o *output) send(ctx context.Context, batch service.MessageBatch) (service.MessageBatch, error) {
	index := batch.Index()
	// A copy, because processors of the child change what they get.
	err := o.child.WriteBatch(ctx, batch.Copy())
	left := failed(batch, index, err)
	o.delivered.Incr(int64(len(batch) - len(left)))
	return left, err
}

// failed returns the messages of a batch that an error is about: all of them when it does not tell, as after processors that make one message of many.
func failed(batch service.MessageBatch, index *service.Indexer, err error) service.MessageBatch {
	if err == nil {
		return nil
	}
	isFailed := make([]bool, len(batch))
	var batchError *service.BatchError
	if errors.As(err, &batchError) && batchError.IndexedErrors() > 0 {
		batchError.WalkMessagesIndexedBy(index, func(i int, _ *service.Message, err error) bool {
			if err != nil && i >= 0 {
				isFailed[i] = true
			}
			return true
		})
	}
	var left service.MessageBatch
	for i, message := range batch {
		if isFailed[i] {
			left = append(left, message)
		}
	}
	if len(left) == 0 {
		return batch
	}
	return left
}

// giveUp hands messages to the fallback with what is known about their failure.
func (o *output) giveUp(ctx context.Context, batch service.MessageBatch, attempts int, reason error) error {
	if o.fallback == nil {
		return reason
	}
	given := batch.Copy()
	for _, message := range given {
		message.MetaSetMut("error", reason.Error())
		message.MetaSetMut("attempts", strconv.Itoa(attempts))
		message.SetError(nil)
	}
	if err := o.fallback.WriteBatch(ctx, given); err != nil {
		return errors.Join(reason, err)
	}
	o.givenUp.Incr(int64(len(batch)))
	return nil
}

// Close ends the child and the fallback. One that has never been connected does not notice: it is left behind after a while.
func (o *output) Close(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, closeTimeout)
	defer done()
	err := o.child.Close(ctx)
	if o.fallback != nil {
		err = errors.Join(err, o.fallback.Close(ctx))
	}
	return err
}

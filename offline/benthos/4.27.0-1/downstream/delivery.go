// Package downstream has the Benthos components that stand between a pipeline and a system that can fail: the output and the processor
// circuit_breaker, and the rate limit adaptive.
package downstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/benthosdev/benthos/v4/public/service"
)

// deliveryFields are the fields that output and processor share.
func deliveryFields() []*service.ConfigField {
	return []*service.ConfigField{
		service.NewIntField("max_attempts").
			Description("Attempts for one message before it is given up. 0: no limit. While the circuit is open no attempt is spent.").
			Default(5).LintRule(`root = if this < 0 { [ "must not be negative" ] }`),
		service.NewStringListField("permanent_errors").
			Description("Regular expressions of errors that are a message's own fault: it is given up at once, and the downstream does not count as failing.").
			Default([]any{}).Example([]any{`\(4(00|04|22)\)`}).
			// The rule is given the list and then each of its items.
			LintRule(`root = if this.type() == "string" && "".re_match(this).catch(null) == null { [ "no regular expression: " + this ] }`),
		service.NewDurationField("timeout").
			Description("After this time an attempt counts as failed. What it sent may still arrive: delivery is at least once.").
			Default("10s"),
		backOffField("retry", "Waits between the attempts for one message: exponential, each with a jitter of ±50 %.", "200ms", "10s"),
		service.NewIntField("threshold").
			Description("Failed attempts in a row that open the circuit.").
			Default(5).LintRule(`root = if this < 1 { [ "must be at least 1" ] }`),
		backOffField("probe", "Waits between the probes of an open circuit: exponential, each with a jitter of ±50 %.", "1s", "30s"),
		service.NewStringField("health_check").
			Description("Asked before the first message, and before a message probes an open circuit: a URL that answers with 2xx while the downstream is healthy, or " +
				"tcp://host:port that accepts connections.").
			Default("").Example("http://127.0.0.1:8222/healthz").Example("tcp://127.0.0.1:5432"),
		service.NewStringField("rate_limit").
			Description("Label of a rate limit resource that each attempt waits for, once for each message. A rate limit `adaptive` is told the results.").
			Default(""),
	}
}

func backOffField(name, description, initial, maximum string) *service.ConfigField {
	return service.NewObjectField(name,
		service.NewDurationField("initial_interval").Description("The first wait.").Default(initial),
		service.NewDurationField("max_interval").Description("The longest wait.").Default(maximum),
	).Description(description)
}

// newBackOff makes the waits of a field that backOffField made; they never end.
func newBackOff(conf *service.ParsedConfig, name string) (func() backoff.BackOff, error) {
	initial, err := conf.FieldDuration(name, "initial_interval")
	if err != nil {
		return nil, err
	}
	maximum, err := conf.FieldDuration(name, "max_interval")
	if err != nil {
		return nil, err
	}
	return func() backoff.BackOff {
		waits := backoff.NewExponentialBackOff()
		waits.InitialInterval, waits.MaxInterval, waits.MaxElapsedTime = initial, maximum, 0
		waits.Reset()
		return waits
	}, nil
}

// delivery makes attempts at a downstream through a circuit breaker and a rate limit.
type delivery struct {
	res         *service.Resources
	breaker     *breaker
	waits       func() backoff.BackOff
	healthCheck string
	rateLimit   string
	timeout     time.Duration
	permanent   []*regexp.Regexp
	// waiting says whether messages wait while the circuit is open.
	waiting        bool
	failedAttempts *service.MetricCounter
}

func newDelivery(conf *service.ParsedConfig, res *service.Resources, waiting bool) (d *delivery, maxAttempts int, err error) {
	d = &delivery{res: res, waiting: waiting}
	if d.waits, err = newBackOff(conf, "retry"); err != nil {
		return
	}
	probes, err := newBackOff(conf, "probe")
	if err != nil {
		return
	}
	if d.healthCheck, err = conf.FieldString("health_check"); err != nil {
		return
	}
	if d.rateLimit, err = conf.FieldString("rate_limit"); err != nil {
		return
	}
	if d.rateLimit != "" && !res.HasRateLimit(d.rateLimit) {
		return nil, 0, fmt.Errorf("rate limit resource '%v' was not found", d.rateLimit)
	}
	if d.timeout, err = conf.FieldDuration("timeout"); err != nil {
		return
	}
	permanent, err := conf.FieldStringList("permanent_errors")
	if err != nil {
		return
	}
	for _, pattern := range permanent {
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, 0, err
		}
		d.permanent = append(d.permanent, expression)
	}
	if maxAttempts, err = conf.FieldInt("max_attempts"); err != nil {
		return
	}
	threshold, err := conf.FieldInt("threshold")
	if err != nil {
		return
	}
	d.failedAttempts = res.Metrics().NewCounter("circuit_breaker_failed_attempts")
	opened := res.Metrics().NewCounter("circuit_breaker_opened")
	gauge := res.Metrics().NewGauge("circuit_breaker_state")
	d.breaker = newBreaker(threshold, probes(), d.healthy, func(entered state) {
		gauge.Set(int64(entered))
		if entered == open {
			opened.Incr(1)
		}
	})
	return
}

// deliver makes attempts with growing waits between them until one succeeds or maximum is reached (0: no limit). send returns what is left of a batch.
func (d *delivery) deliver(
	ctx context.Context, batch service.MessageBatch, maximum int,
	send func(context.Context, service.MessageBatch) (service.MessageBatch, error),
) (left service.MessageBatch, attempts int, err error) {
	waits := d.waits()
	for left = batch; ; {
		if left, err = d.attempt(ctx, left, send); err == nil || ctx.Err() != nil || errors.Is(err, errOpen) {
			return left, attempts, err
		}
		d.res.Logger().Warnf("attempt %v failed: %v", attempts+1, err)
		if attempts++; attempts == maximum || d.isPermanent(err) {
			return left, attempts, err
		}
		select {
		case <-time.After(waits.NextBackOff()):
		case <-ctx.Done():
			return left, attempts, ctx.Err()
		}
	}
}

func (d *delivery) attempt(
	ctx context.Context, batch service.MessageBatch,
	send func(context.Context, service.MessageBatch) (service.MessageBatch, error),
) (service.MessageBatch, error) {
	probe, err := d.breaker.acquire(ctx, d.waiting)
	if err != nil {
		return batch, err
	}
	if err := d.limit(ctx, len(batch)); err != nil {
		d.breaker.report(probe, false)
		return batch, err
	}
	limited, done := context.WithTimeout(ctx, d.timeout)
	defer done()
	started := time.Now()
	left, err := send(limited, batch)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("no answer within %v", d.timeout)
	}
	if err != nil {
		d.failedAttempts.Incr(1)
	}
	// A downstream that says what is wrong with a message works.
	works := err == nil || d.isPermanent(err)
	d.breaker.report(probe, works)
	if found, ok := adaptives.Load(d.rateLimit); ok {
		found.(*adaptive).report(time.Since(started), works)
	}
	return left, err
}

// isPermanent tells whether an error is a message's own fault.
func (d *delivery) isPermanent(err error) bool {
	return slices.ContainsFunc(d.permanent, func(expression *regexp.Regexp) bool { return expression.MatchString(err.Error()) })
}

// limit waits until the rate limit lets a number of messages pass.
func (d *delivery) limit(ctx context.Context, messages int) error {
	for d.rateLimit != "" && messages > 0 {
		var wait time.Duration
		var refused error
		if err := d.res.AccessRateLimit(ctx, d.rateLimit, func(limit service.RateLimit) { wait, refused = limit.Access(ctx) }); err != nil {
			return err
		}
		if refused != nil {
			return refused
		}
		if wait == 0 {
			messages--
			continue
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// healthy asks the health check; without one, the next message finds out.
func (d *delivery) healthy(ctx context.Context) bool {
	if d.healthCheck == "" {
		return true
	}
	ctx, done := context.WithTimeout(ctx, d.timeout)
	defer done()
	if address, found := strings.CutPrefix(d.healthCheck, "tcp://"); found {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return false
		}
		_ = connection.Close()
		return true
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.healthCheck, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode >= 200 && response.StatusCode < 300
}

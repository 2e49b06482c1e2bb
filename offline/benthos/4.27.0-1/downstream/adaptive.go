package downstream

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/benthosdev/benthos/v4/public/service"
)

// adaptives holds the adaptive rate limits of this process by label: a rate_limit plugin only hears of demand, so those who see results look it
// up here.
var adaptives sync.Map

func init() {
	spec := service.NewConfigSpec().
		Summary("A rate limit that follows the downstream: it grows slowly while the downstream keeps up, and falls at once when it fails or slows down.").
		Description("Additive increase, multiplicative decrease, once each `interval`. Results come from the `circuit_breaker` components that name this rate limit.").
		Fields(
			service.NewFloatField("initial").Description("Messages per second to begin with.").Default(100.0),
			service.NewFloatField("minimum").Description("Messages per second that are always allowed.").Default(1.0),
			service.NewFloatField("maximum").Description("Messages per second that are never exceeded.").Default(10000.0),
			service.NewFloatField("increase").Description("Messages per second that are added after an interval in which the limit was used up and all went well.").Default(50.0),
			service.NewFloatField("decrease").Description("Factor of the limit after an interval with a failure or with too high a latency.").Default(0.5),
			service.NewDurationField("latency").Description("Mean time of an attempt above which the downstream counts as overloaded.").Default("1s"),
			service.NewDurationField("interval").Description("Time between two adjustments.").Default("1s"),
		).
		LintRule(`root = match {
  this.minimum.or(1) <= 0 => [ "minimum: must be above 0" ],
  this.minimum.or(1) > this.maximum.or(10000) => [ "minimum: must not be above maximum" ],
  this.decrease.or(0.5) <= 0 || this.decrease.or(0.5) >= 1 => [ "decrease: must be between 0 and 1" ],
}`)
	if err := service.RegisterRateLimit("adaptive", spec, newAdaptiveFromConfig); err != nil {
		panic(err)
	}
}

func newAdaptiveFromConfig(conf *service.ParsedConfig, res *service.Resources) (service.RateLimit, error) {
	a := &adaptive{label: res.Label(), changedAt: time.Now()}
	for name, value := range map[string]*float64{
		"initial": &a.limit, "minimum": &a.minimum, "maximum": &a.maximum, "increase": &a.increase, "decrease": &a.decrease,
	} {
		var err error
		if *value, err = conf.FieldFloat(name); err != nil {
			return nil, err
		}
	}
	var err error
	if a.latency, err = conf.FieldDuration("latency"); err != nil {
		return nil, err
	}
	if a.interval, err = conf.FieldDuration("interval"); err != nil {
		return nil, err
	}
	gauge := res.Metrics().NewGauge("adaptive_rate_limit")
	a.show = func(limit float64) { gauge.Set(int64(math.Round(limit))) }
	a.show(a.limit)
	adaptives.Store(a.label, a)
	return a, nil
}

// adaptive is a token bucket whose rate follows the results of attempts.
type adaptive struct {
	label                                string
	minimum, maximum, increase, decrease float64
	latency, interval                    time.Duration
	show                                 func(limit float64)

	mu     sync.Mutex
	limit  float64 // messages per second
	tokens float64
	// refilledAt is when tokens was right.
	refilledAt time.Time
	// What happened since the last adjustment.
	changedAt time.Time
	limited   bool
	failed    bool
	attempts  int
	total     time.Duration
}

// Access takes a token, or returns the time until there is one.
func (a *adaptive) Access(context.Context) (time.Duration, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.adjust()
	now := time.Now()
	// A tenth of a second's worth may be saved up, so that a pause is followed by no burst that a slow downstream would feel.
	a.tokens = min(a.tokens+now.Sub(a.refilledAt).Seconds()*a.limit, max(1, a.limit/10))
	a.refilledAt = now
	if a.tokens >= 1 {
		a.tokens--
		return 0, nil
	}
	a.limited = true
	// Rounded up: no wait at all would mean that there was a token.
	return time.Duration(math.Ceil((1 - a.tokens) / a.limit * float64(time.Second))), nil
}

// report takes the result of an attempt.
func (a *adaptive) report(latency time.Duration, success bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts++
	a.total += latency
	a.failed = a.failed || !success
	a.adjust()
}

func (a *adaptive) adjust() {
	if time.Since(a.changedAt) < a.interval {
		return
	}
	overloaded := a.failed || a.attempts > 0 && a.total/time.Duration(a.attempts) > a.latency
	switch {
	case overloaded:
		a.limit = max(a.limit*a.decrease, a.minimum)
	case a.limited && a.attempts > 0:
		a.limit = min(a.limit+a.increase, a.maximum)
	}
	a.show(a.limit)
	a.changedAt, a.limited, a.failed, a.attempts, a.total = time.Now(), false, false, 0, 0
}

// Close forgets the limit, unless another has taken its place.
func (a *adaptive) Close(context.Context) error {
	adaptives.CompareAndDelete(a.label, a)
	return nil
}

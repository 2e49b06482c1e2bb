package downstream

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// state of a circuit, as the metric circuit_breaker_state shows it.
type state int64

const (
	closed   state = 0 // attempts pass
	halfOpen state = 1 // one attempt probes, all others wait
	open     state = 2 // nothing passes until the next probe
)

// errOpen is what acquire returns instead of waiting.
var errOpen = errors.New("the circuit is open")

// breaker keeps attempts away from a downstream that fails. It opens after a number of failures in a row, lets a single attempt probe after a wait
// that grows with each failed probe, and closes when a probe succeeds.
type breaker struct {
	threshold int
	// waits holds the times between probes.
	waits backoff.BackOff
	// healthy is asked before an attempt probes; while it says no, no attempt is spent.
	healthy func(context.Context) bool
	// entered is told about each change of state.
	entered func(state)

	mu       sync.Mutex
	state    state
	failures int
	probeAt  time.Time
	// changed is closed at each change of state.
	changed chan struct{}
}

func newBreaker(threshold int, waits backoff.BackOff, healthy func(context.Context) bool, entered func(state)) *breaker {
	entered(closed)
	return &breaker{threshold: threshold, waits: waits, healthy: healthy, entered: entered, changed: make(chan struct{})}
}

// acquire returns when an attempt may be made, and whether it is the probe; its result must be reported. Without wait it returns errOpen
// instead of waiting.
func (b *breaker) acquire(ctx context.Context, wait bool) (probe bool, err error) {
	for {
		b.mu.Lock()
		current, changed, untilProbe := b.state, b.changed, time.Until(b.probeAt)
		if current == open && untilProbe <= 0 {
			b.enter(halfOpen)
			b.mu.Unlock()
			if b.healthy(ctx) {
				return true, nil
			}
			b.report(true, false)
			continue
		}
		b.mu.Unlock()
		switch {
		case current == closed:
			return false, nil
		case !wait:
			return false, errOpen
		}
		var probeTime <-chan time.Time
		if current == open {
			probeTime = time.After(untilProbe)
		}
		select {
		case <-changed:
		case <-probeTime:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// report takes the result of an attempt. Attempts that began before the circuit opened say nothing about a probe.
func (b *breaker) report(probe, success bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case probe && success:
		b.failures = 0
		b.waits.Reset()
		b.enter(closed)
	case probe:
		b.trip()
	case b.state != closed:
	case success:
		b.failures = 0
	default:
		if b.failures++; b.failures >= b.threshold {
			b.trip()
		}
	}
}

func (b *breaker) trip() {
	b.probeAt = time.Now().Add(b.waits.NextBackOff())
	b.enter(open)
}

func (b *breaker) enter(next state) {
	b.state = next
	b.entered(next)
	close(b.changed)
	b.changed = make(chan struct{})
}

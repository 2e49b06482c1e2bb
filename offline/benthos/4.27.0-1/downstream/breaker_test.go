package downstream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

func alwaysHealthy(context.Context) bool { return true }

// secondsApart makes a breaker of threshold 3 whose probes are a second apart, and returns the states it enters.
func secondsApart(healthy func(context.Context) bool) (*breaker, *[]state) {
	var entered []state
	return newBreaker(3, backoff.NewConstantBackOff(time.Second), healthy, func(s state) { entered = append(entered, s) }), &entered
}

func fail(t *testing.T, b *breaker, times int) {
	t.Helper()
	for range times {
		probe, err := b.acquire(context.Background(), false)
		if err != nil {
			t.Fatal(err)
		}
		b.report(probe, false)
	}
}

func TestBreakerOpensAfterFailuresInARowOnly(t *testing.T) {
	b, entered := secondsApart(alwaysHealthy)
	fail(t, b, 2)
	b.report(false, true)
	fail(t, b, 2)
	if b.state != closed {
		t.Fatalf("a success in between did not start the count again: %v", *entered)
	}
	fail(t, b, 1)
	if _, err := b.acquire(context.Background(), false); !errors.Is(err, errOpen) {
		t.Fatalf("three failures in a row did not open the circuit: %v", err)
	}
}

func TestBreakerLetsASingleProbeThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := secondsApart(alwaysHealthy)
		fail(t, b, 3)
		started, passed := time.Now(), make(chan bool, 10)
		for range 10 {
			go func() {
				probe, err := b.acquire(t.Context(), true)
				if err != nil {
					t.Error(err)
				}
				passed <- probe
			}()
		}
		if probe := <-passed; !probe || time.Since(started) != time.Second {
			t.Fatalf("the first to pass: probe %v after %v", probe, time.Since(started))
		}
		time.Sleep(time.Minute)
		if len(passed) != 0 {
			t.Fatalf("%v passed beside the probe", len(passed))
		}
		b.report(true, true)
		for range 9 {
			if probe := <-passed; probe {
				t.Fatal("two probes")
			}
		}
	})
}

func TestBreakerStaysOpenWhileProbesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, entered := secondsApart(alwaysHealthy)
		fail(t, b, 3)
		for range 2 {
			time.Sleep(time.Second)
			fail(t, b, 1)
			if _, err := b.acquire(t.Context(), false); !errors.Is(err, errOpen) {
				t.Fatal("a failed probe did not open the circuit again")
			}
		}
		// What began before the circuit opened is no probe.
		b.report(false, true)
		if b.state != open {
			t.Fatalf("a late success closed the circuit: %v", *entered)
		}
	})
}

func TestBreakerSpendsNoAttemptOnAnUnhealthyDownstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		healthyAt := time.Now().Add(10 * time.Second)
		asked := 0
		b, _ := secondsApart(func(context.Context) bool { asked++; return !time.Now().Before(healthyAt) })
		fail(t, b, 3)
		probe, err := b.acquire(t.Context(), true)
		if err != nil || !probe || time.Now().Before(healthyAt) || asked != 10 {
			t.Fatalf("probe %v, %v, asked %v times", probe, err, asked)
		}
	})
}

func TestBreakerIsLeftWhenTheContextEnds(t *testing.T) {
	b, _ := secondsApart(alwaysHealthy)
	fail(t, b, 3)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.acquire(ctx, true); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

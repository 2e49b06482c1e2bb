package downstream

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

func newTestAdaptive() *adaptive {
	return &adaptive{
		minimum: 10, maximum: 200, increase: 20, decrease: 0.5, limit: 100,
		latency: 100 * time.Millisecond, interval: time.Second, changedAt: time.Now(), show: func(float64) {},
	}
}

// use makes attempts as fast as the limit lets them for a time, and returns how many that were.
func use(t *testing.T, a *adaptive, duration, latency time.Duration, success bool) (passed int) {
	t.Helper()
	for end := time.Now().Add(duration); time.Now().Before(end); {
		wait, err := a.Access(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if wait > 0 {
			time.Sleep(wait)
			continue
		}
		passed++
		a.report(latency, success)
	}
	return passed
}

func TestAdaptiveKeepsToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAdaptive()
		a.increase = 0
		if passed := use(t, a, 10*time.Second, 0, true); math.Abs(float64(passed)-1000) > 12 {
			t.Fatalf("%v passed in 10 s at 100 a second", passed)
		}
	})
}

func TestAdaptiveFallsAtOnceAndGrowsSlowly(t *testing.T) {
	for name, trouble := range map[string]struct {
		latency time.Duration
		success bool
	}{"failures": {0, false}, "latency": {time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newTestAdaptive()
				expect := func(limit float64) {
					t.Helper()
					if a.limit != limit {
						t.Fatalf("limit %v, expected %v", a.limit, limit)
					}
				}
				use(t, a, 3100*time.Millisecond, 0, true)
				expect(160)
				use(t, a, 2*time.Second, trouble.latency, trouble.success)
				expect(40)
				use(t, a, 10*time.Second, trouble.latency, trouble.success)
				expect(10)
				use(t, a, time.Minute, 0, true)
				expect(200)
			})
		})
	}
}

func TestAdaptiveDoesNotGrowWithoutDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAdaptive()
		for range 60 {
			time.Sleep(time.Second)
			if wait, err := a.Access(t.Context()); wait > 0 || err != nil {
				t.Fatal(wait, err)
			}
			a.report(0, true)
		}
		if a.limit != 100 {
			t.Fatalf("one message a second raised the limit to %v", a.limit)
		}
	})
}

package downstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benthosdev/benthos/v4/public/service"

	_ "github.com/benthosdev/benthos/v4/public/components/pure"
)

// sink is an output whose writes a test answers, and which keeps what it accepted.
type sink struct {
	answer func(batch []string) error
	mu     sync.Mutex
	got    []string
	meta   []string
}

func (s *sink) Connect(context.Context) error { return nil }
func (s *sink) Close(context.Context) error   { return nil }

func (s *sink) WriteBatch(_ context.Context, batch service.MessageBatch) error {
	var contents, meta []string
	for _, message := range batch {
		content, _ := message.AsBytes()
		reason, _ := message.MetaGet("error")
		attempts, _ := message.MetaGet("attempts")
		contents, meta = append(contents, string(content)), append(meta, attempts+" "+reason)
	}
	if err := s.answer(contents); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.meta = append(s.got, contents...), append(s.meta, meta...)
	return nil
}

func accept([]string) error { return nil }

// deliverAll runs a stream that sends contents, a batch at a time, through a circuit_breaker, and returns the sinks of its outputs `test_sink` and
// `test_fallback`.
func deliverAll(t *testing.T, config string, answer func([]string) error, batches ...[]string) (main, fallback *sink) {
	t.Helper()
	main, fallback = &sink{answer: answer}, &sink{answer: accept}
	env := service.NewEnvironment()
	for name, s := range map[string]*sink{"test_sink": main, "test_fallback": fallback} {
		err := env.RegisterBatchOutput(name, service.NewConfigSpec(), func(*service.ParsedConfig, *service.Resources) (
			service.BatchOutput, service.BatchPolicy, int, error,
		) {
			return s, service.BatchPolicy{}, 4, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	builder := env.NewStreamBuilder()
	if err := builder.SetLoggerYAML("level: none"); err != nil {
		t.Fatal(err)
	}
	if err := builder.AddOutputYAML("circuit_breaker:\n" + indent(config)); err != nil {
		t.Fatal(err)
	}
	produce, err := builder.AddBatchProducerFunc()
	if err != nil {
		t.Fatal(err)
	}
	stream, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- stream.Run(ctx) }()
	for _, contents := range batches {
		var batch service.MessageBatch
		for _, content := range contents {
			message := service.NewMessage([]byte(content))
			if strings.HasPrefix(content, "broken") {
				message.SetError(errors.New("a processor failed"))
			}
			batch = append(batch, message)
		}
		if err := produce(ctx, batch); err != nil {
			t.Fatalf("%v was not acknowledged: %v", contents, err)
		}
	}
	if err := stream.StopWithin(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	<-ended
	return main, fallback
}

func indent(config string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(config), "\n", "\n  ")
}

const quick = `
output: { test_sink: {} }
fallback: { test_fallback: {} }
retry: { initial_interval: 1ms, max_interval: 2ms }
probe: { initial_interval: 10ms, max_interval: 20ms }
`

func expect(t *testing.T, what string, got []string, wanted ...string) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Fatalf("%v: got %q, expected %q", what, got, wanted)
	}
}

func TestOutputRepeatsUntilDelivered(t *testing.T) {
	attempts := 0
	main, fallback := deliverAll(t, quick, func([]string) error {
		if attempts++; attempts < 4 {
			return errors.New("down")
		}
		return nil
	}, []string{"a"})
	expect(t, "delivered", main.got, "a")
	expect(t, "fallback", fallback.got)
}

func TestOutputGivesAPoisonMessageUpWithItsErrorAndAttempts(t *testing.T) {
	refuse := func(batch []string) error {
		if slices.Contains(batch, "poison") {
			return errors.New("refused")
		}
		return nil
	}
	main, fallback := deliverAll(t, quick, refuse, []string{"a"}, []string{"poison"}, []string{"b"})
	expect(t, "delivered", main.got, "a", "b")
	expect(t, "fallback", fallback.got, "poison")
	expect(t, "metadata", fallback.meta, "5 refused")
}

func TestOutputGivesAMessageUpAtOnceWhenItsErrorIsPermanent(t *testing.T) {
	refuse := func(batch []string) error {
		if strings.HasPrefix(batch[0], "poison") {
			return errors.New("code (404)")
		}
		return nil
	}
	config := quick + "permanent_errors: [ '\\(404\\)' ]\nthreshold: 1\nwhen_open: fallback"
	config = strings.ReplaceAll(config, "10ms", "10s")
	main, fallback := deliverAll(t, config, refuse, []string{"poison"}, []string{"a"}, []string{"poison"})
	expect(t, "delivered", main.got, "a")
	expect(t, "fallback", fallback.got, "poison", "poison")
	expect(t, "metadata", fallback.meta, "1 code (404)", "1 code (404)")
}

func TestOutputFindsThePoisonOfABatch(t *testing.T) {
	refuse := func(batch []string) error {
		if slices.ContainsFunc(batch, func(content string) bool { return strings.HasPrefix(content, "poison") }) {
			return errors.New("the batch is refused")
		}
		return nil
	}
	var batch []string
	for i := range 32 {
		batch = append(batch, fmt.Sprint(i))
	}
	batch[7], batch[21] = "poison 7", "poison 21"
	main, fallback := deliverAll(t, quick+"max_attempts: 2\nthreshold: 100", refuse, batch)
	expect(t, "fallback", fallback.got, "poison 7", "poison 21")
	if len(main.got) != 30 {
		t.Fatalf("delivered %v", main.got)
	}
	// Two attempts at each of 32, 16, 8, 4, 2 and 1 messages.
	expect(t, "metadata", fallback.meta, "12 the batch is refused", "12 the batch is refused")
}

func TestOutputRepeatsABatchAsItWasThoughTheChildHasProcessors(t *testing.T) {
	attempts := 0
	config := strings.Replace(quick, "test_sink: {}", "test_sink: {}, processors: [ { archive: { format: lines } } ]", 1)
	main, fallback := deliverAll(t, config, func([]string) error {
		if attempts++; attempts < 3 {
			return errors.New("down")
		}
		return nil
	}, []string{"a", "b"})
	expect(t, "delivered", main.got, "a\nb")
	expect(t, "fallback", fallback.got)
}

func TestOutputHandsWhatAProcessorFailedOnToTheFallback(t *testing.T) {
	main, fallback := deliverAll(t, quick, accept, []string{"a", "broken b", "c"})
	expect(t, "delivered", main.got, "a", "c")
	expect(t, "fallback", fallback.got, "broken b")
	expect(t, "metadata", fallback.meta, "1 a processor failed")
}

func TestOutputMakesMessagesWaitWhileTheCircuitIsOpen(t *testing.T) {
	up := time.Now().Add(300 * time.Millisecond)
	attempts := 0
	down := func([]string) error {
		attempts++
		if time.Now().Before(up) {
			return errors.New("down")
		}
		return nil
	}
	main, fallback := deliverAll(t, quick+"max_attempts: 0\nthreshold: 2", down, []string{"a"}, []string{"b"})
	expect(t, "delivered", main.got, "a", "b")
	expect(t, "fallback", fallback.got)
	if attempts > 100 {
		t.Fatalf("%v attempts in 300 ms, with probes at least 5 ms apart", attempts)
	}
}

func TestOutputHandsMessagesToTheFallbackWhileTheCircuitIsOpen(t *testing.T) {
	config := quick + "threshold: 2\nwhen_open: fallback"
	config = strings.ReplaceAll(config, "10ms", "10s")
	main, fallback := deliverAll(t, config, func([]string) error { return errors.New("down") }, []string{"a"}, []string{"b"})
	expect(t, "delivered", main.got)
	expect(t, "fallback", fallback.got, "a", "b")
	expect(t, "metadata", fallback.meta, "2 the circuit is open", "0 the circuit is open")
}

func TestOutputTimesAttemptsOut(t *testing.T) {
	attempts := 0
	main, _ := deliverAll(t, quick+"timeout: 50ms", func([]string) error {
		if attempts++; attempts == 1 {
			time.Sleep(200 * time.Millisecond)
			return errors.New("too late to be heard")
		}
		return nil
	}, []string{"a"})
	expect(t, "delivered", main.got, "a")
}

func TestHealthChecks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/healthy" {
			answer.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	address := strings.TrimPrefix(server.URL, "http://")
	check := func(healthCheck string, wanted bool) {
		t.Helper()
		if d := (&delivery{healthCheck: healthCheck, timeout: time.Second}); d.healthy(t.Context()) != wanted {
			t.Errorf("%v is not %v", healthCheck, wanted)
		}
	}
	check("", true)
	check(server.URL+"/healthy", true)
	check(server.URL, false)
	check("tcp://"+address, true)
	server.Close()
	check(server.URL+"/healthy", false)
	check("tcp://"+address, false)
}

func TestLint(t *testing.T) {
	for config, problem := range map[string]string{
		"output: circuit_breaker: { output: { drop: {} }, max_attempts: -1 }":        "must not be negative",
		"output: circuit_breaker: { output: { drop: {} }, threshold: 0 }":            "must be at least 1",
		"output: circuit_breaker: { output: { drop: {} }, when_open: fallback }":     "requires a fallback",
		"output: circuit_breaker: { output: { drop: {} }, permanent_errors: ['('] }": "no regular expression: (",
		"output: circuit_breaker: { output: { drop: {} }, unknown: 1 }":              "field unknown not recognised",
		"rate_limit_resources: [{ label: x, adaptive: { minimum: 5, maximum: 1 } }]": "must not be above maximum",
		"rate_limit_resources: [{ label: x, adaptive: { decrease: 1 } }]":            "must be between 0 and 1",
	} {
		key, rest, _ := strings.Cut(config, ": ")
		builder := service.NewStreamBuilder()
		err := builder.SetYAML(key + ": { " + rest + " }")
		if strings.HasPrefix(rest, "[") {
			err = service.NewStreamBuilder().SetYAML(config)
		}
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v: %v, expected %v", config, err, problem)
		}
	}
}

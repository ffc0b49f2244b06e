package tailhook

import (
	"context"
	"encoding/binary"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// loadgen is a generator that marshals once and then only patches trace ids: calls
// of 500 spans of 261 bytes, five of each trace, each trace in two calls, one in
// fifty with an error, one in fifty slow.
type loadgen struct {
	data  []byte
	ids   []int // offsets of the trace ids in data
	calls int
}

const (
	loadCall  = 500
	loadTrace = 10
)

func newLoad(b testing.TB, settle bool) *loadgen {
	td := stream()
	for i, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		s.SetTraceID(pcommon.TraceID{0xfe, byte(i), byte(i >> 8), 0xed})
		switch i / 5 % 50 {
		case 1:
			s.Status().SetCode(ptrace.StatusCodeError)
		case 2:
			s.SetEndTimestamp(s.StartTimestamp() + 900_000_000)
		}
		if settle && i%5 == 4 {
			s.SetParentSpanID(pcommon.SpanID{})
			s.Attributes().PutBool(evidence.KeySettled, true)
		}
	}
	var m ptrace.ProtoMarshaler
	data, err := m.MarshalTraces(td)
	require.NoError(b, err)
	l := &loadgen{data: data}
	for i := 0; i+4 < len(data) && len(l.ids) < loadCall; i++ {
		n := len(l.ids)
		if data[i] == 0xfe && data[i+1] == byte(n) && data[i+2] == byte(n>>8) && data[i+3] == 0xed {
			l.ids = append(l.ids, i)
		}
	}
	require.Len(b, l.ids, loadCall)
	return l
}

// patch makes data the next call.
func (l *loadgen) patch() {
	for i, at := range l.ids {
		n := uint64(l.calls/2*(loadCall/5) + i/5)
		binary.BigEndian.PutUint64(l.data[at:], n*0x9e3779b97f4a7c15+1)
		binary.BigEndian.PutUint64(l.data[at+8:], n*0xbf58476d1ce4e5b9)
	}
	l.calls++
}

// next decodes the next call, as a receiver does.
func (l *loadgen) next(b testing.TB) ptrace.Traces {
	l.patch()
	var u ptrace.ProtoUnmarshaler
	td, err := u.UnmarshalTraces(l.data)
	require.NoError(b, err)
	return td
}

// contenders starts one of the two with the policies of the baselines.
func contenders(wait time.Duration) map[string]func(testing.TB, consumer.Traces) lifecycle {
	block := map[string]any{
		"decision_wait": wait.String(),
		"policies": []any{
			map[string]any{"name": "errors", "type": "status_code", "status_code": map[string]any{"status_codes": []any{"ERROR"}}},
			map[string]any{"name": "slow", "type": "latency", "latency": map[string]any{"threshold_ms": 500}},
			map[string]any{"name": "some", "type": "probabilistic", "probabilistic": map[string]any{"sampling_percentage": 10}},
		},
		"num_traces":     1_000_000,
		"decision_cache": map[string]any{"sampled_cache_size": 100_000, "non_sampled_cache_size": 400_000},
	}
	return map[string]func(testing.TB, consumer.Traces) lifecycle{
		"tail_sampling": func(b testing.TB, next consumer.Traces) lifecycle {
			f := tailsamplingprocessor.NewFactory()
			cfg := f.CreateDefaultConfig()
			require.NoError(b, confmap.NewFromStringMap(block).Unmarshal(cfg))
			p, err := f.CreateTraces(context.Background(), processortest.NewNopSettings(f.Type()), cfg, next)
			require.NoError(b, err)
			require.NoError(b, p.Start(context.Background(), componenttest.NewNopHost()))
			return p
		},
		"tailhook": func(b testing.TB, next consumer.Traces) lifecycle {
			cfg := createDefaultConfig().(*Config)
			require.NoError(b, confmap.NewFromStringMap(block).Unmarshal(cfg))
			cfg.MaxBytes = 2 << 30
			h, err := newHook(nopSettings(), cfg, next)
			require.NoError(b, err)
			require.NoError(b, h.Start(context.Background(), componenttest.NewNopHost()))
			return h
		},
		"nothing": func(testing.TB, consumer.Traces) lifecycle { return nothing{} },
	}
}

// nothing is the cost of the load itself.
type nothing struct{ lifecycle }

func (nothing) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (nothing) ConsumeTraces(context.Context, ptrace.Traces) error { return nil }
func (nothing) Shutdown(context.Context) error                     { return nil }

// inBubble runs fn in a bubble.
func inBubble(tb testing.TB, fn func()) {
	if t, ok := tb.(*testing.T); ok {
		synctest.Test(t, func(*testing.T) { fn() })
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// synctest needs a test, a benchmark has none: run one inside it.
		ok := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
			Name: tb.Name(), F: func(t *testing.T) { synctest.Test(t, func(*testing.T) { fn() }) },
		}})
		if !ok {
			tb.Error("the bubble failed")
		}
	}()
	<-done
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package policy

import (
	"context"
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor/pkg/samplingpolicy"
)

// external asks a policy of an extension, one trace at a time: extensions are
// written for the single goroutine of tail_sampling.
type external struct {
	mu sync.Mutex
	of samplingpolicy.ThresholdEvaluator
}

func (e *external) decide(t *Trace) (verdict, error) {
	data := &samplingpolicy.TraceData{
		SpanCount: t.Summary.Spans, SizeBytes: t.Summary.Bytes, ReceivedBatches: t.Spans(),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	d, th, err := e.of.EvaluateWithThreshold(context.Background(), t.ID, data)
	return verdict{decision: d, mark: Mark{Threshold: th}}, err
}

// leans is a yes, as nobody else can tell.
func (e *external) leans(*Trace) bool { return true }

package stitchprocessor

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// outcomeOptions are the attributes of a service's outcomes.
type outcomeOptions [outcomes]metric.MeasurementOption

// services are those that are counted under their own name. All shards may use it.
type services struct {
	mu    sync.Mutex
	limit int
	known map[string]outcomeOptions
}

// options returns the attributes of a service, and whether they name it.
func (s *services) options(name string) (outcomeOptions, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.known[name]
	switch {
	case ok:
		return o, true
	case len(s.known) >= s.limit:
		return optionsOf(other), false
	}
	o = optionsOf(name)
	s.known[name] = o
	return o, true
}

func optionsOf(service string) (o outcomeOptions) {
	for i := range o {
		o[i] = metric.WithAttributeSet(attribute.NewSet(
			attribute.String("outcome", outcomeNames[i]), attribute.String(keyService, service)))
	}
	return o
}

// selfCheck publishes what a shard has counted of blind decisions, and resets it.
func (t *telemetry) selfCheck(s *shard) {
	for name, counts := range s.checked {
		options, named := t.services.options(name)
		for o, n := range counts {
			add(t.builder.ProcessorStitchSelfcheckCalls, n, options[o])
			if !named {
				add(t.builder.ProcessorStitchEvictions, n, t.tables[tableSelfCheckServices])
			}
		}
	}
	clear(s.checked)
}

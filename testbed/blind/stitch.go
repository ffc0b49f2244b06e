package blind

import (
	"encoding/hex"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor"
)

// Stitch links with the stitch processor: it is given the spans as plain OTLP, one at a
// time, and what it says of their parents is read from what it releases. A parent that it is
// not sure of, which it leaves as a span link, is a link here with the confidence it states.
func Stitch(emit func(Link)) Linker { return StitchSeed(0)(emit) }

// StitchSeed is Stitch with another beginning of the random numbers.
func StitchSeed(seed uint64) NewLinker {
	return func(emit func(Link)) Linker {
		s := &stitch{}
		c := stitchprocessor.NewFactory().CreateDefaultConfig().(*stitchprocessor.Config)
		c.Times.Seed = seed
		s.replay, s.err = stitchprocessor.NewReplay(c, func(td ptrace.Traces) { read(td, emit) })
		return s
	}
}

type stitch struct {
	replay *stitchprocessor.Replay
	err    error
}

// Add hands the processor one span.
func (s *stitch) Add(span *Span) error {
	if s.err != nil {
		return s.err
	}
	td, err := otlp(span)
	if err != nil {
		return err
	}
	s.replay.Consume(td)
	return nil
}

// Close makes the processor release everything.
func (s *stitch) Close() error {
	if s.err == nil {
		s.replay.Close()
	}
	return s.err
}

// otlp returns a span as a trace of its own.
func otlp(s *Span) (ptrace.Traces, error) {
	var id pcommon.SpanID
	if n, err := hex.Decode(id[:], []byte(s.ID)); err != nil || n != len(id) {
		return ptrace.Traces{}, fmt.Errorf("span id %q: not 16 hexadecimal digits", s.ID)
	}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", s.Service)
	span := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetSpanID(id)
	trace := pcommon.TraceID{}
	copy(trace[:], id[:])
	span.SetTraceID(trace)
	span.SetName(s.Name)
	span.SetStartTimestamp(pcommon.Timestamp(s.Start))
	span.SetEndTimestamp(pcommon.Timestamp(s.End))
	span.SetKind(ptrace.SpanKindServer)
	if s.Kind == "client" {
		span.SetKind(ptrace.SpanKindClient)
		span.Attributes().PutStr("peer.service", s.PeerService)
	}
	return td, nil
}

// read emits the parents that td tells of.
func read(td ptrace.Traces, emit func(Link)) {
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				if l, ok := linkOf(span); ok {
					emit(l)
				}
			}
		}
	}
}

func linkOf(span ptrace.Span) (Link, bool) {
	l := Link{Client: span.SpanID().String()}
	if parent := span.ParentSpanID(); !parent.IsEmpty() {
		l.Server, l.Confidence = parent.String(), confidence(span.Attributes())
		return l, true
	}
	if span.Links().Len() == 0 {
		return l, false
	}
	l.Server, l.Confidence = span.Links().At(0).SpanID().String(), confidence(span.Links().At(0).Attributes())
	return l, true
}

func confidence(attrs pcommon.Map) float64 {
	v, ok := attrs.Get("stitch.confidence")
	if !ok {
		return 0
	}
	return v.Double()
}

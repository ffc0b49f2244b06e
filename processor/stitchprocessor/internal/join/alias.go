package join

import (
	"encoding/hex"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
)

const (
	maxAliases = 65536
	// maxRenamed is how often a trace is looked up under another id: a context may be lost
	// several times in a row.
	maxRenamed = 8
)

// aliases are trace ids that an SDK began though the request had one, and the ids that
// they are released under. The oldest one makes room.
type aliases struct {
	to    map[pcommon.TraceID]wire
	order []pcommon.TraceID // by age; also of those that were taken back
}

func newAliases() aliases { return aliases{to: map[pcommon.TraceID]wire{}} }

// of returns what a trace id on the wire stands for.
func (l *aliases) of(w wire) wire {
	if len(l.to) == 0 || w.trace.IsEmpty() {
		return w // nearly always
	}
	for range maxRenamed {
		to, ok := l.to[w.trace]
		if !ok {
			break
		}
		w = to
	}
	return w
}

// put remembers an alias and returns how many made room.
func (l *aliases) put(trace pcommon.TraceID, to wire) (evicted int) {
	if to.trace.IsEmpty() || l.of(to).trace == trace {
		return 0
	}
	if _, known := l.to[trace]; !known {
		l.order = append(l.order, trace)
	}
	l.to[trace] = to
	for len(l.order) > maxAliases {
		if _, known := l.to[l.order[0]]; known {
			delete(l.to, l.order[0])
			evicted++
		}
		l.order = l.order[1:]
	}
	return evicted
}

// drop takes an alias back.
func (l *aliases) drop(trace pcommon.TraceID) { delete(l.to, trace) }

// note keeps on a span under which id its program knows the trace.
func (l *aliases) note(s *Span) {
	if s.WireTrace.IsEmpty() || s.WireTrace == s.trace || l.of(s.wire()).trace == s.WireTrace {
		return
	}
	attrs := s.Data.Attributes()
	v, ok := attrs.Get(evidence.KeyContextRaw)
	if !ok || v.Type() != pcommon.ValueTypeSlice {
		attrs.PutEmptySlice(evidence.KeyContextRaw)
		v, _ = attrs.Get(evidence.KeyContextRaw)
	}
	v.Slice().AppendEmpty().SetStr(rawOf(s.WireTrace))
}

func rawOf(trace pcommon.TraceID) string {
	return tracectx.W3C.String() + ":" + hex.EncodeToString(trace[:])
}

// learnAlias takes over what the stitch processor of an agent has found out.
func (a *Assembler) learnAlias(s *Span) {
	if s.Verdict == nil || s.WireTrace.IsEmpty() || s.WireTrace == s.trace {
		return
	}
	v, ok := s.Data.Attributes().Get(evidence.KeyContextRaw)
	if !ok || v.Type() != pcommon.ValueTypeSlice {
		return
	}
	for _, raw := range v.Slice().All() {
		if strings.EqualFold(raw.AsString(), rawOf(s.WireTrace)) {
			a.Counts.Aliases += a.aliases.put(s.WireTrace, wire{s.trace, s.WireFormat})
		}
	}
}

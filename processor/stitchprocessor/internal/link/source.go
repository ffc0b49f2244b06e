package link

import (
	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/window"
)

// learnSources finds out what the sources of m's handoffs were, where the kernel side
// did not know: on some connections older than the agent it cannot tell calls from
// requests. The span of the source can, and is mostly here by now.
func (l *Linker) learnSources(m *window.Message) {
	for i := range m.Handoffs {
		h := &m.Handoffs[i]
		if h.Source != evidence.Unknown {
			continue
		}
		if source := l.p.Message(h.SourceTID, h.SourceIO); source != nil {
			h.Source = source.Kind
		} else {
			l.p.Await(h.SourceTID, h.SourceIO, m.Node)
		}
	}
}

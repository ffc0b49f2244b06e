package join

import (
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// Verdict is what a stitch processor before this one has decided on a span.
type Verdict struct {
	Parent     pcommon.SpanID // on its host; zero for none
	Candidate  pcommon.SpanID // of a link that was not sure enough; zero for none
	Method     string         // of either
	Confidence float64
	Explicit   bool // the parent that the wire names is the one that others see
	Settled    bool // of a root: nothing on its host can join it any more
}

// settled carries out the verdict on a new span, if there is one. What it names may
// be yet to come: fragments may be cut into several batches.
func (a *Assembler) settled(s *Span) {
	v := s.Verdict
	if v == nil {
		return
	}
	a.Counts.Decided++
	s.decided, s.explicit = true, s.explicit && v.Explicit
	s.joined = s.Server && v.Method == MethodTCP
	a.ids[s.id] = s
	a.found(s)
	switch sought := v.sought(); {
	case !sought.IsEmpty() && a.ids[sought] != nil:
		a.obey(s, a.ids[sought])
	case !sought.IsEmpty():
		s.more().seeks = a.seekers[sought]
		a.seekers[sought] = s
	case v.Settled || !s.Server:
		a.answer(s, askLocal)
	}
}

func (v *Verdict) sought() pcommon.SpanID {
	if v.Parent.IsEmpty() {
		return v.Candidate
	}
	return v.Parent
}

// found carries out what waited for s.
func (a *Assembler) found(s *Span) {
	seeker := a.seekers[s.id]
	delete(a.seekers, s.id)
	for seeker != nil {
		next := seeker.rare().seeks
		seeker.more().seeks = nil
		if !seeker.released {
			a.obey(seeker, s)
		}
		seeker = next
	}
}

// obey puts s where its verdict says.
func (a *Assembler) obey(s, other *Span) {
	v := s.Verdict
	if v.Parent.IsEmpty() {
		a.Low(s, other, v.Method, v.Confidence)
		return
	}
	basis := Named
	if v.Explicit {
		basis = Witnessed
	}
	a.Linked(s, other, v.Method, v.Confidence, basis)
	if s.joined {
		other.joined = true
		a.answer(other, askPeer)
	}
}

// dropVerdict forgets a span that is forgotten altogether.
func (a *Assembler) dropVerdict(s *Span) {
	if a.ids[s.id] == s {
		delete(a.ids, s.id)
	}
	if s.Verdict == nil || s.rare().seeks == nil && a.seekers[s.Verdict.sought()] != s {
		return
	}
	first := a.seekers[s.Verdict.sought()]
	at := &first
	for *at != nil && *at != s {
		at = &(*at).more().seeks
	}
	if *at == s {
		*at = s.rare().seeks
	}
	if s.more().seeks = nil; first == nil {
		delete(a.seekers, s.Verdict.sought())
	} else {
		a.seekers[s.Verdict.sought()] = first
	}
}

// seal notes on a span what was decided, for the stitch processor behind this one.
// Between spans of the kernel, that is: those of SDKs have their parents from them.
func (s *Span) seal() {
	above := s.parent
	for above != nil && above.App != nil {
		above = above.parent
	}
	text := ""
	if above != nil {
		text = hex.EncodeToString(above.id[:])
	}
	s.Data.Attributes().PutStr(evidence.KeyParent, text)
}

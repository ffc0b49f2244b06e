package journal

import (
	"encoding/binary"
	"fmt"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Decision is one trace's fate, for late spans.
type Decision struct {
	// Trace is the trace id.
	Trace pcommon.TraceID
	// Keep says whether it was kept.
	Keep bool
	// Threshold and Randomness with which it was kept; the caller gives them a
	// meaning.
	Threshold, Randomness uint64
}

const decisionSize = 16 + 1 + 8 + 8

func appendDecision(dst []byte, d *Decision) []byte {
	dst = append(dst, d.Trace[:]...)
	kind := byte(0)
	if d.Keep {
		kind = 1
	}
	dst = binary.LittleEndian.AppendUint64(append(dst, kind), d.Threshold)
	return binary.LittleEndian.AppendUint64(dst, d.Randomness)
}

// readDecisions calls fn for each decision of a page and ignores a cut end.
func readDecisions(page []byte, fn func(Decision)) {
	for ; len(page) >= decisionSize; page = page[decisionSize:] {
		fn(Decision{
			Trace: pcommon.TraceID(page[:16]), Keep: page[16] == 1,
			Threshold:  binary.LittleEndian.Uint64(page[17:]),
			Randomness: binary.LittleEndian.Uint64(page[25:]),
		})
	}
}

// bounds says which calls and pages may exist.
type bounds struct{ firstCall, nextCall, firstPage, nextPage uint64 }

func (b *bounds) encode() []byte {
	var out []byte
	for _, v := range []uint64{b.firstCall, b.nextCall, b.firstPage, b.nextPage} {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

func (b *bounds) decode(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(data) != 32 {
		return fmt.Errorf("journal: %d bytes of bounds, want 32", len(data))
	}
	for i, v := range []*uint64{&b.firstCall, &b.nextCall, &b.firstPage, &b.nextPage} {
		*v = binary.LittleEndian.Uint64(data[8*i:])
	}
	if b.firstCall > b.nextCall || b.firstPage > b.nextPage {
		return fmt.Errorf("journal: bounds %+v are upside down", *b)
	}
	return nil
}

const keyBounds = "m"

func keyCall(n uint64) string      { return fmt.Sprintf("c%016x", n) }
func keyFragments(n uint64) string { return fmt.Sprintf("f%016x", n) }
func keyPage(n uint64) string      { return fmt.Sprintf("d%016x", n) }

// Finished is the set of finished fragments of a call.
type Finished []byte

// Has says whether fragment i is finished.
func (f Finished) Has(i int) bool { return i/8 < len(f) && f[i/8]>>(i%8)&1 != 0 }

func (f Finished) set(i int) { f[i/8] |= 1 << (i % 8) }

func newFinished(fragments int) Finished { return make(Finished, (fragments+7)/8) }

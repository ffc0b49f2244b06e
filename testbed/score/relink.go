package score

import (
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// NoParent in the argument of Relink says that a span has none.
const NoParent = -1

// Relink returns spans as if a linker had released them with these parents:
// parents[i] is the place of the parent of span i, or NoParent. Each tree
// becomes a trace. A ring of parents is cut at one of its spans.
func Relink(spans []Span, parents []int) []Span {
	out := append([]Span(nil), spans...)
	root := make([]int, len(out))
	for i := range root {
		root[i] = NoParent
	}
	for i := range out {
		out[i].Trace = traceOf(findRoot(i, parents, root))
		out[i].Parent = pcommon.SpanID{}
		if p := parents[i]; p != NoParent {
			out[i].Parent = out[p].ID
		}
		out[i].Method, out[i].Confidence, out[i].HasConfidence, out[i].Released = "", 0, false, 0
	}
	return out
}

func findRoot(i int, parents, root []int) int {
	at := i
	for n := 0; parents[at] != NoParent && root[at] == NoParent && n < len(parents); n++ {
		at = parents[at]
	}
	if root[at] != NoParent {
		at = root[at]
	}
	for j, n := i, 0; root[j] == NoParent && n < len(parents); n++ {
		root[j] = at
		if parents[j] == NoParent {
			break
		}
		j = parents[j]
	}
	return at
}

func traceOf(root int) pcommon.TraceID {
	var id pcommon.TraceID
	binary.BigEndian.PutUint64(id[8:], uint64(root)+1)
	return id
}

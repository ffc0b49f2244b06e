package stitchprocessor

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
)

// spansOf7 adds so many spans of process 7, each at an address and on a thread of its own.
func spansOf7(n int, server bool) func(ptrace.Traces) {
	return func(td ptrace.Traces) {
		for i := range n {
			span := addSpan(td, 7, 1, server, func(e *evidence.Exchange) {
				e.Request.TID, e.Response.TID = uint32(i+1), uint32(i+1)
			})
			var id pcommon.SpanID
			binary.BigEndian.PutUint64(id[:], uint64(i+1))
			span.SetSpanID(id)
			span.Attributes().PutStr("network.local.address", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
			span.Attributes().PutInt("network.local.port", 80)
			span.Attributes().PutStr("network.peer.address", "10.255.0.1")
			span.Attributes().PutInt("network.peer.port", 81)
		}
	}
}

// plainServices are so many services without evidence, with a call and so many requests each.
func plainServices(n, requests int) func(ptrace.Traces) {
	return func(td ptrace.Traces) {
		for i := range n {
			one := plainCall(second, byte(i), pcommon.SpanID{})
			one.ResourceSpans().At(0).Resource().Attributes().PutStr("service.name", fmt.Sprint(i))
			spans := one.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
			for range requests - 1 {
				spans.At(0).CopyTo(spans.AppendEmpty())
			}
			one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
		}
	}
}

// Each bounded table that whole spans can fill gives up what finds no room, and says so. What fills
// the others is tested where they are: words and loops in internal/link, claims in internal/solve.
func TestFullTablesSayWhatTheyGiveUp(t *testing.T) {
	roomy := func(c *Config) { c.MaxProcesses, c.MaxSpans = 100_000, 1_000_000 }
	for table, tt := range map[string]struct {
		traffic
		want int64
	}{
		"processes": {traffic{change: func(c *Config) { c.MaxProcesses = 2 }, batches: func() (all []ptrace.Traces) {
			for pid := range int64(3) {
				td := ptrace.NewTraces()
				addSpan(td, pid+1, byte(pid+1), true, nil)
				all = append(all, td)
			}
			return all
		}}, 1},
		"window":     {traffic{change: func(c *Config) { c.MaxSpans = 1 }, batches: one(spansOf7(3, true))}, 1},
		"remembered": {traffic{change: func(c *Config) { c.MaxSpans = 1 }, batches: one(spansOf7(3, true))}, 1},
		"callers":    {traffic{change: roomy, batches: one(spansOf7(65536+2, false))}, 2},
		"listeners":  {traffic{change: roomy, batches: one(spansOf7(16384+2, true))}, 2},
		"hosts": {traffic{change: roomy, batches: one(func(td ptrace.Traces) {
			for i := range 4096 + 2 {
				one := ptrace.NewTraces()
				addSpan(one, 7, 1, true, nil)
				one.ResourceSpans().At(0).Resource().Attributes().PutStr("host.id", fmt.Sprint(i))
				one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
			}
		})}, 2},
		"applications": {traffic{change: roomy, batches: func() []ptrace.Traces {
			many := ptrace.NewTraces()
			spansOf7(4096+2, true)(many)
			return []ptrace.Traces{kernel(1, carrying), sdk(ptrace.NewTraces(), 7, 2, 8, nil), many}
		}}, 2},
		"times_spans":    {traffic{change: func(c *Config) { c.Times.MaxSpans = 1 }, batches: one(plainServices(3, 1))}, 2},
		"times_services": {traffic{change: func(c *Config) { c.MaxProcesses = 2 }, batches: one(plainServices(3, 1))}, 2}, // of the picker's, and of the engines'
		"times_requests": {traffic{batches: one(plainServices(1, 2000+2))}, 2},
	} {
		t.Run(table, func(t *testing.T) {
			assert.Equal(t, tt.want, counted(t, tt.traffic, "evictions", "table", table))
		})
	}
}

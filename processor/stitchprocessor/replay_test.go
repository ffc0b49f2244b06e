package stitchprocessor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/processor/stitchprocessor/internal/sim"
)

// programs are those of which a little is played here.
var programs = map[string]program{
	"tiers": tiers(true), "pool": waitingPool, "lag": sequential(2, true), "timers": timers, "executor": executor,
	"workers": goPool, "lock": global, "forget": fireAndForget, "tasks": threadPerTask,
}

func TestAReplayRepeatsItselfExactly(t *testing.T) {
	replay := func(all []delivery) []byte {
		e := collect(defaults())
		for _, d := range copyOf(all) {
			e.consume(d.td, d.now)
		}
		e.flush(0)
		var bytes []byte
		for _, td := range e.out {
			b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
			require.NoError(t, err)
			bytes = append(bytes, b...)
		}
		return bytes
	}
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			all, _ := record(p, 16, 200)
			want := replay(all)
			for range 3 {
				assert.Equal(t, want, replay(all))
			}
		})
	}
}

// parents is the outcome: the parent of each span.
func parents(all []ptrace.Traces) map[pcommon.SpanID]pcommon.SpanID {
	out := map[pcommon.SpanID]pcommon.SpanID{}
	for _, td := range all {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					out[span.SpanID()] = span.ParentSpanID()
				}
			}
		}
	}
	return out
}

func TestTheProcessorDoesAsTheEngineDoes(t *testing.T) {
	for _, workers := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			all, spans := record(tiers(false), 16, 300)
			e := collect(defaults())
			for _, d := range copyOf(all) {
				e.consume(d.td, d.now)
			}
			e.flush(0)
			p := start(t, func(c *Config) { c.Workers = workers })
			for _, d := range all {
				p.send(d.td)
				time.Sleep(sim.Interval)
			}
			p.stop()
			got := parents(p.sink.batches())
			assert.Len(t, got, spans)
			assert.Equal(t, parents(e.out), got)
			assert.Zero(t, p.count("released_spans", "reason", "deadline"))
		})
	}
}

func TestTheOrderOfABatchDoesNotMatter(t *testing.T) {
	all, _ := record(waitingPool, 16, 300)
	reversed := copyOf(all)
	for i, d := range reversed {
		td := ptrace.NewTraces()
		for k := d.td.ResourceSpans().Len() - 1; k >= 0; k-- {
			rs := td.ResourceSpans().AppendEmpty()
			d.td.ResourceSpans().At(k).CopyTo(rs)
			spans := rs.ScopeSpans().At(0).Spans()
			for a, b := 0, spans.Len()-1; a < b; a, b = a+1, b-1 {
				tmp := ptrace.NewSpan()
				spans.At(a).MoveTo(tmp)
				spans.At(b).MoveTo(spans.At(a))
				tmp.MoveTo(spans.At(b))
			}
		}
		reversed[i].td = td
	}
	var outcomes []map[pcommon.SpanID]pcommon.SpanID
	for _, order := range [][]delivery{all, reversed} {
		e := collect(defaults())
		for _, d := range order {
			e.consume(d.td, d.now)
		}
		e.flush(0)
		outcomes = append(outcomes, parents(e.out))
	}
	assert.Equal(t, outcomes[0], outcomes[1])
}

// FuzzConsumeTraces feeds the engine batches of any bytes that are OTLP, after and
// before real ones: nothing may panic, be lost, come twice or grow.
func FuzzConsumeTraces(f *testing.F) {
	for _, p := range programs {
		all, _ := record(p, 4, 8)
		for _, d := range all[:min(len(all), 3)] {
			b, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(d.td)
			require.NoError(f, err)
			f.Add(b, uint16(7))
		}
	}
	real, _ := record(tiers(false), 4, 10)
	f.Fuzz(func(t *testing.T, data []byte, wait uint16) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		if err != nil {
			return
		}
		c := defaults()
		c.MaxSpans, c.MaxProcesses, c.MaxSpansPerTrace, c.MaxTraceDepth = 50, 4, 20, 6
		e := collect(c)
		in, passed := 0, 0
		feed := func(td ptrace.Traces, now int64) {
			in += td.SpanCount()
			e.consume(td, now)
			passed += td.SpanCount() // what split has left
			assert.LessOrEqual(t, e.assembly.Held(), c.MaxSpans)
		}
		feed(td, 0)
		for i, d := range copyOf(real) {
			feed(d.td, int64(i)*int64(sim.Interval))
		}
		again, _ := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data)
		feed(again, int64(wait)*1e6)
		e.tick(int64(wait) * 2e6)
		e.flush(0)
		out := 0
		for _, td := range e.out {
			out += td.SpanCount()
		}
		_, its := e.assembly.reset()
		assert.Equal(t, in, out+passed+its.Hidden)
	})
}

// hostile are values that evidence never has, or hardly.
var hostile = [...]int64{0, 1, 2, 3, 5, -1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, -1 << 63, sim.Epoch, sim.Epoch + 1e7}

var evidenceKeys = [...]string{
	"evidence.conn.id", "evidence.conn.ordinal", "evidence.connect.time", "evidence.connect.tid", "evidence.connect.io",
	"evidence.connect.tick", "evidence.connect.goid", "evidence.request.end", "evidence.request.seq", "evidence.request.tid",
	"evidence.request.io", "evidence.request.ops", "evidence.request.tick", "evidence.request.goid", "evidence.request.goid_parent",
	"evidence.request.waited", "evidence.response.start", "evidence.response.tid", "evidence.response.io", "evidence.response.ops",
	"evidence.response.tick", "evidence.response.goid", "evidence.response.waited", "network.peer.port", "network.local.port",
}

// FuzzHostileEvidence changes the evidence of real spans, as bytes of data in threes say:
// which span, which attribute, which value.
func FuzzHostileEvidence(f *testing.F) {
	f.Add([]byte{1, 2, 3, 9, 10, 7, 30, 11, 9}, uint8(0))
	f.Add([]byte("100&7000"), uint8(')'))
	f.Add([]byte{0, 7, 10, 1, 16, 10, 2, 26, 0, 3, 27, 1}, uint8(3))
	names := []string{"tiers", "pool", "lag", "timers", "executor", "workers", "lock", "forget", "tasks"}
	recorded := map[string][]delivery{}
	for _, n := range names {
		recorded[n], _ = record(programs[n], 4, 12)
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		all := copyOf(recorded[names[int(which)%len(names)]])
		var spans []ptrace.Span
		for _, d := range all {
			for _, rs := range d.td.ResourceSpans().All() {
				for _, span := range rs.ScopeSpans().At(0).Spans().All() {
					spans = append(spans, span)
				}
			}
		}
		for ; len(data) >= 3; data = data[3:] {
			span := spans[int(data[0])%len(spans)]
			v := hostile[int(data[2])%len(hostile)]
			switch k := int(data[1]) % (len(evidenceKeys) + 4); k {
			case len(evidenceKeys):
				span.SetStartTimestamp(pcommon.Timestamp(v))
			case len(evidenceKeys) + 1:
				span.SetEndTimestamp(pcommon.Timestamp(v))
			case len(evidenceKeys) + 2:
				span.Attributes().PutStr("evidence.request.handoffs", "cr:futex:1:1:0:1:a0:5 sr:clone:2:4294967295:255:3:ffffffffffffffff:-9223372036854775808")
			case len(evidenceKeys) + 3:
				span.Attributes().PutStr("evidence.response.handoffs", "cr:fdread:101:2:0:101:1:1700000000000000000 cr:futex:102:3:3:0:0:9")
			default:
				span.Attributes().PutInt(evidenceKeys[k], v)
			}
		}
		e := collect(defaults())
		in, passed := 0, 0
		for _, d := range all {
			in += d.td.SpanCount()
			e.consume(d.td, d.now)
			passed += d.td.SpanCount()
		}
		e.tick(all[len(all)-1].now + 60*second)
		e.flush(0)
		out := 0
		for _, td := range e.out {
			out += td.SpanCount()
		}
		_, its := e.assembly.reset()
		assert.Equal(t, in, out+passed+its.Hidden)
	})
}

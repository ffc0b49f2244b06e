package kspan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-custom/otelcol-custom/internal/evidence"
	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/conn"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

const (
	offset  = int64(1_700_000_000_000_000_000)
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// world is a kernel whose exchanges become spans.
type world struct {
	*simkernel.Kernel
	table   *conn.Table
	builder *Builder
	process *simkernel.Process
	thread  *simkernel.Thread
}

func newWorld(o Options) *world {
	w := &world{builder: NewBuilder(&o)}
	w.builder.SetOffset(offset)
	w.table = conn.New(&conn.Options{
		MaxConnections: 10, MaxPending: 10, MaxExchanges: 10, ExchangeTimeout: time.Minute, IdleTimeout: time.Hour,
		Bytes:     stream.Limits{StreamBytes: 1 << 16, TotalBytes: 1 << 20},
		Protocols: []protocol.Protocol{simkernel.Line()}, Opaque: true,
	}, w.builder.Add)
	w.Kernel = simkernel.New(handler{w.table})
	w.process = w.Process(77, "shop")
	w.thread = w.process.Thread()
	return w
}

type handler struct{ table *conn.Table }

func (h handler) Conn(ev *event.Conn)             { h.table.Conn(ev) }
func (h handler) IO(ev *event.IO)                 { h.table.IO(ev, false) }
func (h handler) Close(ev *event.Close)           { h.table.Close(ev) }
func (h handler) Retransmit(ev *event.Retransmit) { h.table.Retransmit(ev) }
func (h handler) Process(ev *event.Process)       { h.table.Exit(ev.PID, ev.Time) }

func (w *world) accept() *simkernel.Socket {
	return w.Accept(w.thread, "10.0.0.1:8000", "10.0.0.2:41000")
}

func (w *world) dial() *simkernel.Socket {
	return w.Dial(w.thread, "10.0.0.1:41000", "[2001:db8::5]:6379")
}

func (w *world) tick(d time.Duration) {
	w.Sleep(d)
	w.table.Tick(w.Now, func(uint32, event.Role, uint64) {})
}

func (w *world) spans() ptrace.SpanSlice {
	all := ptrace.NewSpanSlice()
	for _, list := range w.builder.Take() {
		list.MoveAndAppendTo(all)
	}
	return all
}

func (w *world) span(t *testing.T) ptrace.Span {
	t.Helper()
	all := w.spans()
	require.Equal(t, 1, all.Len())
	return all.At(0)
}

// serve plays one exchange of a server.
func (w *world) serve(request, response string) {
	s := w.accept()
	s.Read(w.thread, request)
	s.Write(w.thread, response)
}

// call plays one exchange of a client.
func (w *world) call(request, response string) {
	s := w.dial()
	s.Write(w.thread, request)
	s.Read(w.thread, response)
}

func TestServerSpan(t *testing.T) {
	w := newWorld(Options{})
	begin := w.Now + 1 + 1000
	w.serve("Q get\n", "A ok\n")
	span := w.span(t)
	assert.Equal(t, ptrace.SpanKindServer, span.Kind())
	assert.Equal(t, "get", span.Name())
	assert.EqualValues(t, int64(begin)+offset, span.StartTimestamp())
	assert.EqualValues(t, int64(begin)+1000+offset, span.EndTimestamp())
	assert.Equal(t, ptrace.StatusCodeUnset, span.Status().Code())
	assert.True(t, span.ParentSpanID().IsEmpty())
	assert.False(t, span.TraceID().IsEmpty())
	assert.False(t, span.SpanID().IsEmpty())
	assert.Equal(t, map[string]any{
		"line.text":             "A ok",
		"network.local.address": "10.0.0.1", "network.local.port": int64(8000),
		"network.peer.address": "10.0.0.2", "network.peer.port": int64(41000),
		"server.address": "10.0.0.1", "server.port": int64(8000), "client.address": "10.0.0.2",
		"thread.id": int64(77), "thread.name": "shop",
	}, span.Attributes().AsRaw())
}

func TestClientSpan(t *testing.T) {
	w := newWorld(Options{})
	w.call("Q get\n", "A ok\n")
	span := w.span(t)
	assert.Equal(t, ptrace.SpanKindClient, span.Kind())
	a := span.Attributes().AsRaw()
	assert.Equal(t, "2001:db8::5", a["server.address"])
	assert.Equal(t, int64(6379), a["server.port"])
	assert.Equal(t, "2001:db8::5", a["network.peer.address"])
	assert.NotContains(t, a, "client.address")
}

func TestStatus(t *testing.T) {
	const noResponse = "connection closed before the response"
	tests := []struct {
		name   string
		play   func(*world)
		code   ptrace.StatusCode
		text   string
		errors string
		failed bool // the connection
	}{
		{"success is unset", func(w *world) { w.serve("Q a\n", "A ok\n") }, ptrace.StatusCodeUnset, "", "", false},
		{"an error of the server is one on its span", func(w *world) { w.serve("Q a\n", "A error\n") }, ptrace.StatusCodeError, "server said error", "", false},
		{"and on the client's", func(w *world) { w.call("Q a\n", "A error\n") }, ptrace.StatusCodeError, "server said error", "", false},
		{"an error of the client is none of the server's", func(w *world) { w.serve("Q a\n", "A refused\n") }, ptrace.StatusCodeUnset, "", "", false},
		{"but one of the client's", func(w *world) { w.call("Q a\n", "A refused\n") }, ptrace.StatusCodeError, "refused", "", false},
		{"a close without response", func(w *world) { w.dieAs(0) }, ptrace.StatusCodeError, noResponse, ErrorClosed, false},
		{"a reset", func(w *world) { w.dieAs(104) }, ptrace.StatusCodeError, noResponse, "ECONNRESET", true},
		{"an unnamed error", func(w *world) { w.dieAs(5) }, ptrace.StatusCodeError, noResponse, "errno_5", true},
		{"a refused connect", func(w *world) { w.failAs(111) }, ptrace.StatusCodeError, "connect failed", "ECONNREFUSED", true},
		{"a connect without answer", func(w *world) { w.failAs(110) }, ptrace.StatusCodeError, "connect failed", "ETIMEDOUT", true},
		{"a connect given up", func(w *world) { w.failAs(0) }, ptrace.StatusCodeError, "connect given up by the process", ErrorAbandoned, true},
		{"a process that exits", func(w *world) {
			w.accept().Read(w.thread, "Q a\n")
			w.process.Exit()
		}, ptrace.StatusCodeError, "process exited before the response", ErrorExited, false},
		{"no response in time", func(w *world) {
			w.accept().Read(w.thread, "Q a\n")
			w.tick(time.Hour / 2)
		}, ptrace.StatusCodeError, "no response within the time limit of the receiver", ErrorTimeout, false},
		{"no response wanted", func(w *world) { w.accept().Read(w.thread, "Q a oneway\n") }, ptrace.StatusCodeUnset, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(Options{})
			tt.play(w)
			span := w.span(t)
			assert.Equal(t, tt.code, span.Status().Code())
			assert.Equal(t, tt.text, span.Status().Message())
			got, _ := span.Attributes().AsRaw()["error.type"].(string)
			assert.Equal(t, tt.errors, got)
			_, failed := span.Attributes().Get(evidence.KeyFailed)
			assert.Equal(t, tt.failed, failed)
		})
	}
}

// dieAs plays a request on a connection that closes with errno.
func (w *world) dieAs(errno uint32) {
	s := w.dial()
	s.Write(w.thread, "Q a\n")
	s.Close(errno)
	w.tick(time.Millisecond)
}

// failAs plays a connect that takes a second and fails with errno.
func (w *world) failAs(errno uint32) {
	s := w.dial()
	w.Sleep(time.Second)
	s.Fail(w.thread, errno)
	w.tick(time.Millisecond)
}

func TestAConnectThatFailedIsACallOfItsThread(t *testing.T) {
	w := newWorld(Options{Evidence: true, HideOpaque: true})
	w.accept().Read(w.thread, "Q in\n")
	w.failAs(111)
	span := w.span(t)
	assert.Equal(t, "connect", span.Name())
	assert.Equal(t, ptrace.SpanKindClient, span.Kind())
	assert.GreaterOrEqual(t, span.EndTimestamp().AsTime().Sub(span.StartTimestamp().AsTime()), time.Second)
	a := span.Attributes().AsRaw()
	assert.Equal(t, "2001:db8::5", a["server.address"])
	assert.Equal(t, int64(6379), a["server.port"])
	assert.Equal(t, "tcp", a["network.transport"])
	var x evidence.Exchange
	require.True(t, x.Read(span))
	assert.EqualValues(t, 77, x.Request.TID)
	assert.Zero(t, x.Request.IO)
	assert.EqualValues(t, 1, x.Connect.IO)
	assert.Equal(t, x.Request.Start, x.ConnectTime)
	assert.False(t, x.Opaque || x.Hidden || x.Lossy)
}

func TestRetransmitsAreToldIfThereWereAny(t *testing.T) {
	w := newWorld(Options{})
	s := w.dial()
	s.Write(w.thread, "Q a\n")
	s.Retransmit(w.thread)
	s.Read(w.thread, "A ok\n")
	w.call("Q b\n", "A ok\n")
	spans := w.spans()
	require.Equal(t, 2, spans.Len())
	assert.EqualValues(t, 1, spans.At(0).Attributes().AsRaw()["tcp.retransmits"])
	assert.NotContains(t, spans.At(1).Attributes().AsRaw(), "tcp.retransmits")
}

func TestAClientErrorLeavesNoErrorTypeOnTheServer(t *testing.T) {
	for _, role := range []event.Role{event.RoleServer, event.RoleClient} {
		b := NewBuilder(&Options{})
		b.Add(&conn.Exchange{
			Conn: &event.Conn{Role: role}, RequestMessage: &protocol.Message{Name: "GET"},
			ResponseMessage: &protocol.Message{
				Status: protocol.StatusClientError,
				Attributes: []protocol.Attribute{
					protocol.String("error.type", "404"), protocol.Int("n", 1), protocol.Strings("list", []string{"a", "b"}),
				},
			},
		})
		a := b.Take()[0].At(0).Attributes().AsRaw()
		_, has := a["error.type"]
		assert.Equal(t, role == event.RoleClient, has)
		assert.Equal(t, int64(1), a["n"])
		assert.Equal(t, []any{"a", "b"}, a["list"])
		assert.NotContains(t, a, "network.peer.address", "the addresses are not known")
	}
}

func TestTheRequestKnowsTheServerBetter(t *testing.T) {
	b := NewBuilder(&Options{})
	b.Add(&conn.Exchange{
		Conn: &event.Conn{Role: event.RoleClient, Local: addr("10.0.0.1:5"), Remote: addr("10.0.0.2:80")}, LocalText: "10.0.0.1", RemoteText: "10.0.0.2",
		RequestMessage: &protocol.Message{Attributes: []protocol.Attribute{protocol.String("server.address", "shop.example"), protocol.Int("server.port", 8080)}},
	})
	span := b.Take()[0].At(0)
	a := span.Attributes().AsRaw()
	assert.Equal(t, "shop.example", a["server.address"])
	assert.Equal(t, int64(8080), a["server.port"])
	assert.Equal(t, "tcp 80", span.Name(), "a message without a name")
}

func TestOpaqueSpan(t *testing.T) {
	for _, hide := range []bool{true, false} {
		w := newWorld(Options{Evidence: true, HideOpaque: hide})
		w.serve("hello", "hi")
		w.tick(2 * time.Second)
		span := w.span(t)
		assert.Equal(t, "tcp 8000", span.Name())
		a := span.Attributes().AsRaw()
		assert.Equal(t, "tcp", a["network.transport"])
		assert.Equal(t, int64(5), a[KeyRequestSize])
		assert.Equal(t, int64(2), a[KeyResponseSize])
		assert.Equal(t, true, a[evidence.KeyOpaque])
		assert.Equal(t, hide, a[evidence.KeyHidden] == true)
	}
}

func TestIDsAreTheSameWheneverAnExchangeIsSeen(t *testing.T) {
	play := func(o Options) (ids []string) {
		w := newWorld(o)
		w.serve("Q a\n", "A ok\n")
		w.call("Q b\nQ c\n", "A ok\nA ok\n")
		list := w.spans()
		for i := range list.Len() {
			ids = append(ids, list.At(i).TraceID().String(), list.At(i).SpanID().String())
		}
		return ids
	}
	first := play(Options{Seed: "host a"})
	assert.Equal(t, first, play(Options{Seed: "host a"}))
	other := play(Options{Seed: "host b"})
	seen := map[string]bool{}
	for _, id := range append(first, other...) {
		assert.False(t, seen[id], "id %s twice", id)
		seen[id] = true
	}
}

func TestContextOnTheWire(t *testing.T) {
	const header = "traceparent:00-" + traceID + "-" + spanID + "-01"
	tests := []struct {
		name    string
		play    func(*world)
		found   bool
		flags   uint32
		state   string
		context string
	}{
		{
			"of a server", func(w *world) { w.serve("Q a "+header+" tracestate:k=v\n", "A ok\n") },
			true, 0x301, "k=v", "w3c:" + traceID + ":" + spanID + ":01",
		},
		{
			"of a client", func(w *world) { w.call("Q a "+header+"\n", "A ok\n") },
			true, 0x001, "", "w3c:" + traceID + ":" + spanID + ":01",
		},
		{"none", func(w *world) { w.serve("Q a x:y\n", "A ok\n") }, false, 0, "", ""},
		{"malformed", func(w *world) { w.serve("Q a traceparent:00-zz\n", "A ok\n") }, false, 0, "", ""},
		{"two of them", func(w *world) { w.serve("Q a "+header+" "+header+"\n", "A ok\n") }, false, 0, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(Options{Evidence: true})
			tt.play(w)
			span := w.span(t)
			assert.Equal(t, tt.found, span.TraceID().String() == traceID)
			assert.Equal(t, tt.found, span.ParentSpanID().String() == spanID)
			assert.NotEqual(t, spanID, span.SpanID().String())
			assert.Equal(t, tt.flags, span.Flags())
			assert.Equal(t, tt.state, span.TraceState().AsRaw())
			got, _ := span.Attributes().AsRaw()[evidence.KeyContext].(string)
			assert.Equal(t, tt.context, got)
		})
	}
}

func TestContextsOfOtherSystems(t *testing.T) {
	sofa := "sofa-traceid:0a0fe9d4 sofa-rpcid:0.2.1 "
	tests := []struct {
		name, request, trace, format, requestID string
		raw                                     []any
	}{
		{"an id of another form is kept", "Q a " + sofa + "\n", "0000000000000000000000000a0fe9d4", "sofa", "", []any{"sofa:0a0fe9d4"}},
		{"so is that of a second system", "Q a " + sofa + "b3:" + traceID + "-" + spanID + "\n", traceID, "b3", "", []any{"sofa:0a0fe9d4"}},
		{"a second one of the same trace is no other", "Q a b3:" + traceID + "-" + spanID + " ot-tracer-traceid:" + traceID + " ot-tracer-spanid:1\n", traceID, "b3", "", nil},
		{"a request id is evidence only", "Q a x-request-id:abc-17\n", "", "", "abc-17", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(Options{Evidence: true})
			w.serve(tt.request, "A ok\n")
			span := w.span(t)
			a := span.Attributes().AsRaw()
			if tt.trace != "" {
				assert.Equal(t, tt.trace, span.TraceID().String())
			}
			assert.Equal(t, tt.format == "", span.ParentSpanID().IsEmpty())
			format, _ := a[evidence.KeyContextFormat].(string)
			raw, _ := a[evidence.KeyContextRaw].([]any)
			assert.Equal(t, tt.format, format)
			assert.Equal(t, tt.raw, raw)
			id, _ := a[evidence.KeyRequestID].(string)
			assert.Equal(t, tt.requestID, id)
		})
	}
	t.Run("what is not asked for is not read", func(t *testing.T) {
		w := newWorld(Options{Evidence: true, Context: &tracectx.Options{Formats: []tracectx.Format{tracectx.W3C}}})
		w.serve("Q a "+sofa+" x-request-id:a\n", "A ok\n")
		a := w.span(t).Attributes().AsRaw()
		assert.NotContains(t, a, evidence.KeyContext)
		assert.NotContains(t, a, evidence.KeyContextFormat)
		assert.NotContains(t, a, evidence.KeyRequestID)
	})
	t.Run("malformed ones are counted", func(t *testing.T) {
		w := newWorld(Options{})
		w.serve("Q a b3:x\n", "A ok\n")
		w.serve("Q a b3:x "+sofa+"\n", "A ok\n")
		w.serve("Q a b3:0\n", "A ok\n")
		assert.EqualValues(t, 1, w.builder.Malformed())
	})
}

func TestEvidence(t *testing.T) {
	w := newWorld(Options{Evidence: true})
	worker := w.process.Thread()
	w.accept().Read(w.thread, "Q in\n")
	w.thread.Wake(worker)
	worker.Wait(event.WaitedEpoll)
	woken := w.Now
	s := w.dial()
	connected := w.Now
	s.Write(worker, "Q out\n")
	s.Read(worker, "A ok\n")
	var x evidence.Exchange
	require.True(t, x.Read(w.span(t)))
	assert.Equal(t, s.ID, x.ConnID)
	assert.EqualValues(t, 0, x.Ordinal)
	assert.EqualValues(t, int64(connected)+offset, x.ConnectTime)
	assert.EqualValues(t, 77, x.Connect.TID)
	assert.Equal(t, addr("10.0.0.1:41000"), x.Local)
	assert.Equal(t, addr("[2001:db8::5]:6379"), x.Peer)
	assert.EqualValues(t, 78, x.Request.TID)
	assert.EqualValues(t, 1, x.Request.IO)
	assert.EqualValues(t, 1, x.Request.Tick)
	assert.EqualValues(t, 5000, x.Request.Seq)
	assert.EqualValues(t, 6, x.Request.Len)
	assert.Equal(t, evidence.WaitedFutex|evidence.WaitedEpoll, x.Request.Waited)
	assert.Equal(t, []evidence.Handoff{{
		Time: int64(woken) + offset, Address: 0xf00, SourceTID: 77, SourceIO: 1, WakerTID: 77,
		Source: evidence.ServerRead, Edge: evidence.Futex,
	}}, x.Request.Handoffs)
	assert.EqualValues(t, 2, x.Response.IO)
	assert.EqualValues(t, 1000, x.Response.Seq)
	assert.False(t, x.Lossy || x.Opaque || x.Hidden)
}

func TestWithoutEvidenceThereIsNone(t *testing.T) {
	w := newWorld(Options{})
	w.serve("Q a\n", "A ok\n")
	var x evidence.Exchange
	assert.False(t, x.Read(w.span(t)))
}

func TestSpansAreListedByProcess(t *testing.T) {
	w := newWorld(Options{})
	w.serve("Q a\n", "A ok\n")
	w.thread = w.Process(88, "other").Thread()
	w.serve("Q b\n", "A ok\n")
	w.serve("Q c\n", "A ok\n")
	assert.Equal(t, 3, w.builder.Count())
	lists := w.builder.Take()
	assert.Equal(t, 1, lists[77].Len())
	assert.Equal(t, 2, lists[88].Len())
	assert.Zero(t, w.builder.Count())
	assert.Empty(t, w.builder.Take())
}

func TestAppend(t *testing.T) {
	resource := pcommon.NewResource()
	resource.Attributes().PutStr("service.name", "shop")
	spans := ptrace.NewSpanSlice()
	spans.AppendEmpty().SetName("a")
	traces := ptrace.NewTraces()
	Append(traces, Scope{"scope", "1"}, &Group{Resource: resource, Watermark: 5, Spans: spans})
	Append(traces, Scope{"scope", "1"}, &Group{Resource: resource, Spans: ptrace.NewSpanSlice()})
	require.Equal(t, 2, traces.ResourceSpans().Len())
	rs := traces.ResourceSpans().At(0)
	assert.Equal(t, map[string]any{"service.name": "shop"}, rs.Resource().Attributes().AsRaw())
	ss := rs.ScopeSpans().At(0)
	assert.Equal(t, "scope", ss.Scope().Name())
	assert.Equal(t, map[string]any{evidence.KeyWatermark: int64(5)}, ss.Scope().Attributes().AsRaw())
	assert.Equal(t, "a", ss.Spans().At(0).Name())
	assert.Equal(t, 1, traces.SpanCount())
	assert.Empty(t, traces.ResourceSpans().At(1).ScopeSpans().At(0).Scope().Attributes().AsRaw())
}

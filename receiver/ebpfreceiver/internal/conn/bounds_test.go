package conn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

func TestTheLeastRecentlyActiveConnectionIsEvicted(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.MaxConnections = 3 })
	var sockets []*simkernel.Socket
	for i := range 3 {
		s := w.Accept(w.thread, local, fmt.Sprintf("10.0.0.2:%d", 1000+i))
		w.play(s, true, `C Q a\n`)
		sockets = append(sockets, s)
	}
	w.play(sockets[0], true, `S A ok\n`)
	w.play(w.Accept(w.thread, local, remote), true, `C Q b\n`, `S A ok\n`)
	s := w.table.Stats()
	assert.Equal(t, 3, s.Connections)
	assert.EqualValues(t, 1, s.Evicted)
	assert.EqualValues(t, 1, s.DroppedEvicted)
	w.play(sockets[1], true, `S A ok\n`)
	assert.EqualValues(t, 1, w.table.Stats().Unannounced, "the evicted one has no addresses any more")
	assert.Equal(t, []string{"server a answered ok", "server b answered ok"}, w.summary())
}

func TestRequestsBeyondTheLimitAreForgottenNotMispaired(t *testing.T) {
	tests := []struct {
		name  string
		limit func(*Options)
	}{
		{"per connection", func(o *Options) { o.MaxPending = 2 }},
		{"of all connections", func(o *Options) { o.MaxExchanges = 2 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.limit)
			s := w.Accept(w.thread, local, remote)
			w.play(s, true, `C Q a\nQ b\nQ c\nQ d\n`, `S A ok\n`, `C Q e\n`, `S A ok\nA ok\nA ok\nA ok\n`,
				`C Q f\n`, `S A ok\n`, `C Q g\n`, `S A ok\n`, `C Q h\n`, `S A ok\n`)
			assert.EqualValues(t, 3, w.table.Stats().DroppedPending)
			got := w.summary()
			assert.Equal(t, "server a answered ok", got[0])
			assert.Equal(t, "server h answered ok", got[len(got)-1])
			for _, line := range got {
				assert.NotRegexp(t, "^server [cde] ", line)
				assert.NotRegexp(t, "^server [f] answered ok$", line, "not known to be in step yet")
			}
		})
	}
}

func TestBytesBeyondTheLimitLoseTheFrameOnly(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Bytes.StreamBytes = 100 })
	s := w.Accept(w.thread, local, remote)
	w.play(s, true, `C Q `, `fill C 80`, `fill C 80`, `S A ok\n`, `C Q b\n`, `S A ok\n`)
	assert.EqualValues(t, 1, w.table.Stats().Streams.StreamLimit)
	assert.EqualValues(t, 1, w.table.Stats().LostFrames)
	assert.Equal(t, []string{"server ? answered ok opaque lossy", "server b answered ok lossy"}, w.summary())
}

func TestAnExchangeDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t, nil)
	s := w.Accept(w.thread, local, remote)
	w.play(s, true, `C Q a\nQ b\n`)
	w.tick(59 * time.Second)
	assert.Empty(t, w.got)
	w.tick(2 * time.Second)
	assert.Equal(t, []string{"server a timed out", "server b timed out"}, w.summary())
	w.tick(time.Second)
	assert.Empty(t, w.got, "only once")
	w.play(s, true, `S A ok\n`, `S A ok\n`, `C Q c\n`, `S A error\n`)
	assert.Equal(t, []string{"server c answered error"}, w.summary(), "late responses do not shift the others")
	assert.EqualValues(t, 2, w.table.Stats().Late)
}

func TestAnExchangeBeingAnsweredIsReportedAsFarAsItGot(t *testing.T) {
	w := newWorld(t, nil)
	s := w.Accept(w.thread, local, remote)
	w.play(s, true, `C Q a\n`, `S A ok until\n`, `S more\n`)
	w.tick(61 * time.Second)
	require.Len(t, w.got, 1)
	assert.EqualValues(t, 2, w.got[0].Response.Ops)
	assert.Equal(t, []string{"server a answered"}, w.summary())
	w.play(s, true, `S .\n`, `C Q b\n`, `S A ok\n`)
	assert.Equal(t, []string{"server b answered ok"}, w.summary())
}

func TestARequestThatNeverEndsIsGivenUp(t *testing.T) {
	for name, text := range map[string]string{"of a protocol": `C Q a`, "opaque": `C xx`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			s := w.Accept(w.thread, local, remote)
			w.play(s, true, `C Q z\n`, `S A ok\n`, text)
			w.tick(30 * time.Second)
			assert.Len(t, w.open, 1)
			w.tick(31 * time.Second)
			w.tick(time.Second)
			assert.Empty(t, w.open)
		})
	}
}

func TestIdleConnectionsAreForgotten(t *testing.T) {
	w := newWorld(t, nil)
	w.play(w.Accept(w.thread, local, remote), true, `C Q a\n`, `S A ok\n`)
	w.tick(59 * time.Minute)
	assert.Equal(t, 1, w.table.Stats().Connections)
	w.tick(2 * time.Minute)
	assert.Zero(t, w.table.Stats().Connections)
	assert.EqualValues(t, 1, w.table.Stats().IdledOut)
}

func TestManyConnectionsComeAndGoWithoutGrowth(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 5000 {
		s := w.Accept(w.thread, local, remote)
		w.play(s, true, `C Q a\n`, `S A ok\n`)
		s.Close(0)
		if i%100 == 99 {
			w.tick(time.Millisecond)
			require.Zero(t, w.table.Stats().Connections)
			w.got = w.got[:0]
		}
	}
	assert.EqualValues(t, 5000, w.table.Stats().Delivered)
	assert.LessOrEqual(t, len(w.table.exchanges), keepExchanges)
}

func TestProcessExitEndsWhatIsUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.Accept(w.thread, local, remote), w.Accept(w.thread, local, "10.0.0.3:1")
	w.play(a, true, `C Q a\n`)
	w.play(b, true, `C xx`, `S yy`)
	other := w.Process(300, "other").Thread()
	c := w.Accept(other, local, "10.0.0.4:1")
	c.Read(other, "Q c\n")
	w.process.Exit()
	assert.ElementsMatch(t, []string{"server a exited", "server ? answered opaque"}, w.summary())
	c.Write(other, "A ok\n")
	assert.Equal(t, []string{"server c answered ok"}, w.summary())
	assert.Equal(t, 3, w.table.Stats().Connections, "they close by themselves")
}

func TestShutdownDeliversWhatIsAnswered(t *testing.T) {
	w := newWorld(t, nil)
	w.play(w.Accept(w.thread, local, remote), true, `C xx`, `S yy`)
	w.play(w.Accept(w.thread, local, "10.0.0.3:1"), true, `C Q a\n`, `S A ok until\n`, `S x\n`)
	w.play(w.Accept(w.thread, local, "10.0.0.4:1"), true, `C Q b\n`)
	w.table.Shutdown(w.Now)
	assert.ElementsMatch(t, []string{"server ? answered opaque", "server a answered ok until"}, w.summary())
	assert.EqualValues(t, 1, w.table.Stats().DroppedShutdown)
}

func TestUnwantedExchangesAreCounted(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*Options)
		play    []string
		dropped func(Stats) uint64
		open    int
	}{
		{
			"opaque ones", func(o *Options) { o.Opaque = false }, []string{`C xx`, `S yy`, `quiet`, `C xx`, `tick`},
			func(s Stats) uint64 { return s.DroppedOpaque }, 0,
		},
		{
			"runs that nobody answers", nil, []string{`C xx`, `close`, `tick`},
			func(s Stats) uint64 { return s.DroppedOneSided }, 0,
		},
		{
			"runs of a connection whose role stays unknown", nil, []string{`existing`, `C xx`, `S yy`, `close`, `tick`},
			func(s Stats) uint64 { return s.DroppedNoRole }, 0,
		},
		{
			"those with the Collector", func(o *Options) { o.Ignore = func(c *event.Conn) bool { return c.Remote.Port() == 41000 } },
			[]string{`C Q a\n`, `tick`}, func(s Stats) uint64 { return s.Ignored }, 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			s := w.Accept(w.thread, local, remote)
			if tt.play[0] == "existing" {
				s = w.Existing(local, remote)
			}
			w.play(s, true, tt.play...)
			assert.Empty(t, w.got)
			assert.EqualValues(t, 1, tt.dropped(w.table.Stats()))
			assert.Len(t, w.open, tt.open)
		})
	}
}

func TestOpenRequests(t *testing.T) {
	tests := []struct {
		name string
		play []string
		open bool
	}{
		{"a request that waits is open", []string{`C Q a\n`, `tick`}, true},
		{"an answered one is not", []string{`C Q a\n`, `S A ok\n`, `tick`}, false},
		{"half a request is open", []string{`C Q a`, `tick`}, true},
		{"a request with half a response is open", []string{`C Q a\n`, `S A ok until\n`, `tick`}, true},
		{"one that timed out is not", []string{`C Q a\n`, `long`}, false},
		{"an opaque request is open", []string{`C xx`, `tick`}, true},
		{"an opaque exchange is open until it is quiet", []string{`C xx`, `S yy`, `tick`}, true},
		{"but not for long", []string{`C xx`, `quiet`, `tick`}, false},
		{"bytes of an unknown protocol may be a request", []string{`C Q`, `tick`}, true},
		{"behind an upgrade nothing is open", []string{`C Q a\n`, `S A ok\nU\n`, `S x`, `C xx`, `tick`}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			s := w.Accept(w.thread, local, remote)
			begin := w.Now + 1000 // the end of the first read
			for _, line := range tt.play {
				if line == "long" {
					w.tick(61 * time.Second)
				}
				w.play(s, true, line)
			}
			if tt.open {
				assert.Equal(t, map[uint32]uint64{100: begin}, w.open)
			} else {
				assert.Empty(t, w.open)
			}
		})
	}
	t.Run("what a client waits for is not open", func(t *testing.T) {
		w := newWorld(t, nil)
		w.play(w.Dial(w.thread, local, remote), false, `C Q a\n`, `tick`)
		assert.Empty(t, w.open)
	})
	t.Run("the oldest of a process counts", func(t *testing.T) {
		w := newWorld(t, nil)
		begin := w.Now + 1
		for i := range 5 {
			w.play(w.Accept(w.thread, local, fmt.Sprintf("10.0.0.3:%d", 1+i)), true, `C Q a\n`)
		}
		w.tick(0)
		assert.Equal(t, map[uint32]uint64{100: begin + 1000}, w.open)
	})
}

func TestGarbageOnEveryPort(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Role = func(*event.Conn) event.Role { return event.RoleServer } })
	for i := range 50 {
		s := w.Accept(w.thread, local, fmt.Sprintf("10.0.0.3:%d", 1+i))
		if i%2 == 0 {
			s = w.Existing(local, fmt.Sprintf("10.0.0.3:%d", 1+i))
		}
		for j := range 20 {
			text := strings.Repeat(string(rune(i*7+j)), 1+(i*j)%700)
			s.IO(w.thread, event.Direction((i+j)%2), text, len(text)+(i*j)%90)
		}
	}
	w.tick(time.Minute * 2)
	assert.Zero(t, w.table.Stats().Buffered)
}

func BenchmarkExchange(b *testing.B) {
	for _, name := range []string{"line", "opaque"} {
		b.Run(name, func(b *testing.B) {
			delivered := 0
			table := New(testOptions(), func(*Exchange) { delivered++ })
			request, response := "Q get x:y\n", "A ok len=100\n"
			if name == "opaque" {
				request, response = "xx\n", "yy\n"
			}
			table.Conn(&event.Conn{ID: 1, Role: event.RoleServer, Time: 1})
			in := &event.IO{ConnID: 1, Flags: event.Head | event.First, Len: uint32(len(request)), Payload: []byte(request)}
			out := &event.IO{ConnID: 1, Direction: event.Egress, Flags: event.Head, Len: uint32(len(response) + 100), Payload: []byte(response)}
			b.ReportAllocs()
			for b.Loop() {
				table.IO(in, false)
				in.Flags = event.Head
				table.IO(out, false)
				in.Seq += in.Len
				out.Seq += out.Len
			}
			table.Shutdown(0)
			if delivered < b.N-1 {
				b.Fatal("exchanges are missing")
			}
		})
	}
}

package conn

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

// play lets a conversation happen on s: lines "C text" and "S text" are what the
// client and the server send, with \n for a line feed; "tick" lets a time slice
// pass, "quiet" two seconds, "close" closes, "reset" closes with ECONNRESET,
// "lose N" loses the next N records, "fill C N" and "fill S N" send N bytes.
func (w *world) play(s *simkernel.Socket, server bool, lines ...string) {
	for _, line := range lines {
		verb, rest, _ := strings.Cut(line, " ")
		text := strings.ReplaceAll(rest, `\n`, "\n")
		switch verb {
		case "C", "S":
			if (verb == "C") == server {
				s.Read(w.thread, text)
			} else {
				s.Write(w.thread, text)
			}
		case "fill":
			side, n, _ := strings.Cut(rest, " ")
			size, _ := time.ParseDuration(n + "ns")
			w.play(s, server, side+" "+strings.Repeat("x", int(size)))
		case "tick":
			w.tick(30 * time.Millisecond)
		case "quiet":
			w.tick(2 * time.Second)
		case "close":
			s.Close(0)
		case "reset":
			s.Close(104)
		case "lose":
			w.LoseNext(len(rest))
		case "find":
			w.Lose = nil
		}
	}
}

type conversation struct {
	name  string
	lines []string
	want  []string
}

func checkConversations(t *testing.T, tests []conversation) {
	for _, tt := range tests {
		for _, server := range []bool{true, false} {
			role := map[bool]string{true: "server", false: "client"}[server]
			t.Run(tt.name+" ("+role+")", func(t *testing.T) {
				w := newWorld(t, nil)
				s := w.Dial(w.thread, local, remote)
				if server {
					s = w.Accept(w.thread, local, remote)
				}
				w.play(s, server, tt.lines...)
				var want []string
				for _, line := range tt.want {
					want = append(want, role+" "+line)
				}
				assert.Equal(t, want, w.summary())
			})
		}
	}
}

func TestConversations(t *testing.T) {
	checkConversations(t, []conversation{
		{
			"one request and its response", []string{`C Q get\n`, `S A ok\n`},
			[]string{"get answered ok"},
		},
		{
			"keep-alive", []string{`C Q a\n`, `S A ok\n`, `C Q b\n`, `S A error\n`},
			[]string{"a answered ok", "b answered error"},
		},
		{
			"messages in pieces", []string{`C Q`, `C  ge`, `C t\n`, `S A`, `S  ok\n`},
			[]string{"get answered ok"},
		},
		{
			"bodies of known length", []string{`C Q put len=10\n01234`, `C 56789`, `S A ok len=3\n`, `S abc`},
			[]string{"put answered ok len=3"},
		},
		{
			"pipelining pairs first in, first out",
			[]string{`C Q a\nQ b\nQ c\n`, `S A ok\n`, `S A error\nA refused\n`},
			[]string{"a answered ok", "b answered error", "c answered refused"},
		},
		{
			"ids pair in any order",
			[]string{`C Q a id=1\nQ b id=2\nQ c id=3\n`, `S A ok id=3\nA ok id=1\n`, `S A ok id=2\n`},
			[]string{"c answered ok id=3", "a answered ok id=1", "b answered ok id=2"},
		},
		{
			"messages beside a request are an exchange of their own",
			[]string{`C N\nQ a\n`, `S N\nN\n`, `S A ok\n`},
			[]string{"? answered opaque", "a answered ok"},
		},
		{
			"what only the server says beside a request is none",
			[]string{`C Q a\n`, `S N\n`, `S A ok\nN\n`},
			[]string{"a answered ok"},
		},
		{
			"each of several asides has its own answer",
			[]string{`C N\n`, `S N\n`, `C N\n`, `S N\n`, `C Q a\n`, `S A ok\n`},
			[]string{"? answered opaque", "? answered opaque", "a answered ok"},
		},
		{
			"a request without response is over when it is sent",
			[]string{`C Q log oneway len=3\n`, `C abc`, `C Q b\n`, `S A ok\n`},
			[]string{"log one way", "b answered ok"},
		},
		{
			"a response before the request has ended",
			[]string{`C Q put len=10\n01`, `S A refused\n`, `C 23456789`, `C Q b\n`, `S A ok\n`},
			[]string{"put answered refused", "b answered ok"},
		},
		{
			"a response that only its end completes",
			[]string{`C Q a\n`, `S A ok until\nx\n`, `close`, `tick`},
			[]string{"a answered ok until"},
		},
		{
			"a response with a terminator", []string{`C Q a\n`, `S A ok until\nx\n`, `S .\n`},
			[]string{"a answered ok until"},
		},
		{
			"a close leaves the request without response",
			[]string{`C Q a\n`, `close`, `tick`}, []string{"a closed"},
		},
		{
			"a reset says why", []string{`C Q a\nQ b\n`, `S A ok\n`, `reset`, `tick`},
			[]string{"a answered ok", "b closed errno 104"},
		},
		{
			"nothing comes of an idle close", []string{`C Q a\n`, `S A ok\n`, `close`, `tick`},
			[]string{"a answered ok"},
		},
		{
			"half a request is none", []string{`C Q a`, `close`, `tick`}, nil,
		},
		{
			"after an upgrade, runs are exchanges",
			[]string{`C Q ws\n`, `S A ok\nU\n`, `C ping`, `S pong`, `S pong`, `C ping`, `S pong`, `close`, `tick`},
			[]string{"ws answered ok", "? answered opaque", "? answered opaque"},
		},
	})
}

func TestOpaqueConversations(t *testing.T) {
	checkConversations(t, []conversation{
		{
			"the change of direction tells exchanges",
			[]string{`C \x01hello`, `C more`, `S fine`, `S more`, `C next`, `S fine`, `close`, `tick`},
			[]string{"? answered opaque", "? answered opaque"},
		},
		{
			"the last exchange ends when it has been quiet",
			[]string{`C xx`, `S yy`, `quiet`, `S late`, `C xx`, `S yy`, `quiet`},
			[]string{"? answered opaque", "? answered opaque"},
		},
		{
			"a server that speaks first says nothing yet",
			[]string{`S 220 welcome`, `tick`, `tick`, `tick`, `C xx`, `S yy`, `quiet`},
			[]string{"? answered opaque"},
		},
		{
			"what nobody answers is no exchange", []string{`C xx`, `close`, `tick`}, nil,
		},
		{
			"unless the connection broke", []string{`C xx`, `reset`, `tick`}, []string{"? closed opaque errno 104"},
		},
		{
			"a protocol that does not fit after all",
			[]string{`C Q \n`, `S yy`, `C xx`, `S yy`, `close`, `tick`},
			[]string{"? answered opaque", "? answered opaque"},
		},
		{
			"undecided bytes do not wait for ever",
			[]string{`C Q`, `S A`, `C x`, `S y`, `C x`, `S y`, `close`, `tick`},
			[]string{"? answered opaque", "? answered opaque", "? answered opaque"},
		},
	})
}

func TestCutMessages(t *testing.T) {
	checkConversations(t, []conversation{
		{
			"a response whose end was not captured ends at the next request",
			[]string{`C Q a\n`, `S A error until\n`, `fill S 5000`, `C Q b\n`, `S A ok\n`},
			[]string{"a answered error until", "b answered ok"},
		},
		{
			"or when it has been quiet",
			[]string{`C Q a\n`, `S A error until\n`, `fill S 5000`, `quiet`, `fill S 10`, `C Q b\n`, `S A ok\n`},
			[]string{"a answered error until", "b answered ok"},
		},
		{
			"or with the connection",
			[]string{`C Q a\n`, `S A error until\n`, `fill S 5000`, `close`, `tick`},
			[]string{"a answered error until"},
		},
		{
			"of several waiting requests only the first has that response",
			[]string{`C Q a\nQ b\n`, `S A error until\n`, `fill S 5000`, `C Q c\n`, `S A ok\n`, `C Q d\n`, `S A ok\n`},
			[]string{"a answered error until", "b lost lossy", "c answered ok lossy", "d answered ok"},
		},
		{
			"a request whose head is too long is opaque, its response is read",
			[]string{`C Q a\n`, `S A ok\n`, `fill C 5000`, `S A error\n`, `C Q b\n`, `S A ok\n`, `C Q c\n`, `S A ok\n`},
			[]string{"a answered ok", "? answered error opaque lossy", "b answered ok lossy", "c answered ok"},
		},
		{
			"a captured head and a body that was not",
			[]string{`C Q put len=9000\n`, `fill C 9000`, `S A ok\n`},
			[]string{"put answered ok"},
		},
		{
			"requests behind the captured bytes are one opaque request",
			[]string{`C Q a len=5000\n`, `fill C 5000`, `C Q b\nQ c\n`, `S A ok\nA ok\nA ok\n`, `C Q d\n`, `S A ok\n`, `C Q e\n`, `S A ok\n`},
			[]string{"a answered ok", "? answered ok opaque lossy", "d answered ok lossy", "e answered ok"},
		},
	})
}

func TestPidOfTheExchangeIsThatOfTheThread(t *testing.T) {
	w := newWorld(t, nil)
	parent := w.thread
	s := w.Accept(parent, local, remote)
	w.thread = w.Process(200, "child").Thread()
	w.play(s, true, `C Q a\n`, `S A ok\n`)
	require.Len(t, w.got, 1)
	assert.EqualValues(t, 200, w.got[0].Request.At.PID)
	assert.EqualValues(t, 100, w.got[0].Conn.At.PID)
}

func TestEvidenceOfAnExchange(t *testing.T) {
	w := newWorld(t, nil)
	reader, writer := w.thread, w.process.Thread()
	s := w.Accept(reader, local, remote)
	reader.Wait(event.WaitedEpoll)
	begin := w.Now
	s.Read(reader, "Q a len=4\n")
	s.Read(reader, "body")
	reader.Wake(writer)
	s.Write(writer, "A ok len=4\n")
	s.Write(writer, "body")
	require.Len(t, w.got, 1)
	e := w.got[0]
	assert.EqualValues(t, begin+1000, e.Request.Start)
	assert.EqualValues(t, begin+2000, e.Request.End)
	assert.EqualValues(t, 2, e.Request.At.IO, "the last segment of what was read")
	assert.EqualValues(t, 1, e.Request.At.Tick)
	assert.EqualValues(t, 2, e.Request.Ops)
	assert.EqualValues(t, 1000, e.Request.Seq)
	assert.EqualValues(t, 14, e.Request.Len)
	assert.Equal(t, event.WaitedEpoll, e.Request.Waited)
	assert.EqualValues(t, 1, e.Response.At.IO, "the first segment of what was written")
	assert.EqualValues(t, 101, e.Response.At.TID)
	assert.EqualValues(t, 5000, e.Response.Seq)
	require.Len(t, e.Response.Handoffs, 1)
	assert.EqualValues(t, 2, e.Response.Handoffs[0].SourceIO)
	assert.EqualValues(t, 1, e.Response.Handoffs[0].SourceKind)
	assert.True(t, e.Opened)
	assert.Equal(t, e.Response.End, e.End)
	assert.Equal(t, "server", e.Request.Comm)
	assert.False(t, e.Lossy)
	w.play(s, true, `C Q b\n`, `S A ok\n`)
	assert.EqualValues(t, 1, w.got[1].Ordinal)
	assert.False(t, w.got[1].Opened)
}

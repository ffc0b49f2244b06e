package conn

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

func TestLostRecords(t *testing.T) {
	checkConversations(t, []conversation{
		{
			"a lost response is not made up",
			[]string{
				`C Q a\n`, `lose 1`, `S A ok\n`, `find`, `C Q b\n`, `S A ok\n`, `tick`,
				`C Q c\n`, `S A ok\n`, `C Q d\n`, `S A ok\n`,
			},
			[]string{"a lost lossy", "b answered ok lossy", "c answered ok lossy", "d answered ok"},
		},
		{
			"a lost request leaves its response alone",
			[]string{
				`C Q a\n`, `S A ok\n`, `lose 1`, `C Q b\n`, `find`, `S A error\n`,
				`C Q c\n`, `tick`, `S A ok\n`, `C Q d\n`, `S A ok\n`, `C Q e\n`, `S A ok\n`,
			},
			[]string{"a answered ok", "c answered ok lossy", "d answered ok lossy", "e answered ok"},
		},
		{
			"a lost piece of a body is known to be missing",
			[]string{`C Q a\n`, `S A ok len=10\n`, `lose 1`, `S 01234`, `find`, `S 56789`, `tick`, `C Q b\n`, `S A ok\n`, `C Q c\n`, `S A ok\n`},
			[]string{"a answered ok len=10 lossy", "b answered ok lossy", "c answered ok"},
		},
		{
			"a lost exchange leaves no trace but the doubt",
			[]string{
				`C Q a\n`, `S A ok\n`, `lose 11`, `C Q b\n`, `S A ok\n`, `find`,
				`C Q c\n`, `tick`, `S A ok\n`, `tick`, `C Q d\n`, `S A ok\n`, `C Q e\n`, `S A ok\n`,
			},
			[]string{"a answered ok", "c answered ok lossy", "d answered ok lossy", "e answered ok"},
		},
		{
			"opaque exchanges survive a lost response",
			[]string{`C xx`, `lose 1`, `S yy`, `find`, `C xx`, `S yy`, `tick`, `C xx`, `S yy`, `C xx`, `S yy`, `quiet`},
			[]string{"? lost opaque lossy", "? answered opaque lossy", "? answered opaque lossy", "? answered opaque"},
		},
	})
}

// TestOvertakingRecords replays conversations with records in another order than
// they happened in, as threads that share a socket cause it.
func TestOvertakingRecords(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		order []int
		want  []string
	}{
		{
			"a reply overtakes the request that was written by another thread",
			[]string{`C Q a\n`, `S A ok\n`}, []int{0, 2, 1}, []string{"client a answered ok"},
		},
		{
			"also on a connection in use",
			[]string{`C Q a\n`, `S A ok\n`, `C Q b\n`, `S A ok\n`}, []int{0, 1, 2, 4, 3},
			[]string{"client a answered ok", "client b answered ok"},
		},
		{
			"pieces of a request in the wrong order",
			[]string{`C Q a le`, `C n=4\n`, `C abcd`, `S A ok\n`}, []int{0, 1, 3, 2, 4},
			[]string{"client a answered ok"},
		},
		{
			"a record twice", []string{`C Q a\n`, `S A ok\n`}, []int{0, 1, 1, 2, 2}, []string{"client a answered ok"},
		},
		{
			"the close overtakes the last record",
			[]string{`C Q a\n`, `S A ok\n`, `close`}, []int{0, 1, 3, 2}, []string{"client a answered ok"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			s := w.Dial(w.thread, local, remote)
			w.Pause()
			w.play(s, false, tt.lines...)
			w.Resume(tt.order...)
			w.tick(30 * time.Millisecond)
			w.play(s, false, `C Q z\n`, `S A ok\n`)
			var got []string
			for _, line := range w.summary() {
				got = append(got, strings.TrimSuffix(line, " lossy")) // the ordinals jump, too
			}
			if tt.lines[len(tt.lines)-1] == "close" {
				assert.Equal(t, tt.want, got[:1])
				return
			}
			assert.Equal(t, append(tt.want, "client z answered ok"), got)
		})
	}
}

func TestAReplyWithoutARequestWaitsOnlyBriefly(t *testing.T) {
	w := newWorld(t, nil)
	s := w.Dial(w.thread, local, remote)
	s.Read(w.thread, "A ok\n")
	w.tick(time.Millisecond)
	w.tick(time.Millisecond)
	assert.EqualValues(t, 1, w.table.Stats().Unsolicited)
	s.Write(w.thread, "Q a\n")
	s.Read(w.thread, "A error\n")
	assert.Equal(t, []string{"client a answered error lossy"}, w.summary())
}

func TestAReplyFromBeforeTheRequestIsNotItsResponse(t *testing.T) {
	w := newWorld(t, nil)
	s := w.Dial(w.thread, local, remote)
	s.Read(w.thread, "N\n")
	s.Read(w.thread, "A ok\n") // no request was out when it was read
	s.Write(w.thread, "Q a\n")
	assert.Empty(t, w.got)
	s.Read(w.thread, "A error\n")
	assert.Equal(t, []string{"client a answered error lossy"}, w.summary())
}

func TestConnectionsThatExistedBefore(t *testing.T) {
	roleOf := func(role event.Role) func(*Options) {
		return func(o *Options) { o.Role = func(*event.Conn) event.Role { return role } }
	}
	tests := []struct {
		name   string
		change func(*Options)
		play   []string // as the server's end
		want   []string
	}{
		{
			"met between exchanges", roleOf(event.RoleServer),
			[]string{`C Q a\n`, `S A ok\n`, `C Q b\n`, `S A ok\n`},
			[]string{"server a answered ok lossy", "server b answered ok"},
		},
		{
			"met in the middle of a response", roleOf(event.RoleServer),
			[]string{`S garbage`, `C Q a\n`, `S A ok\n`, `C Q b\n`, `S A ok\n`},
			[]string{"server a answered ok lossy", "server b answered ok"},
		},
		{
			"met in the middle of a request", roleOf(event.RoleServer),
			[]string{`C body of it`, `S A ok\n`, `C Q a\n`, `S A ok\n`, `C Q b\n`, `S A ok\n`},
			[]string{"server ? answered ok opaque lossy", "server a answered ok", "server b answered ok"},
		},
		{
			"the role follows from the request", nil,
			[]string{`C Q a\n`, `S A ok\n`, `C Q b\n`, `S A ok\n`},
			[]string{"server a answered ok lossy", "server b answered ok"},
		},
		{
			"the role follows from the response", nil,
			[]string{`C zz`, `S A ok\n`, `C Q a\n`, `S A ok\n`},
			[]string{"server a answered ok lossy"},
		},
		{
			"what both could say does not settle the role", nil,
			[]string{`C N\n`, `S N\n`, `C Q a\n`, `S A ok\n`},
			[]string{"server a answered ok lossy"},
		},
		{
			"without a protocol and a role there is no exchange", nil,
			[]string{`C xx`, `S yy`, `C xx`, `S yy`, `close`, `tick`}, nil,
		},
		{
			"without a protocol the role is enough", roleOf(event.RoleServer),
			[]string{`C xx`, `S yy`, `C xx`, `S yy`, `close`, `tick`},
			[]string{"server ? answered opaque lossy", "server ? answered opaque"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			w.play(w.Existing(local, remote), true, tt.play...)
			assert.Equal(t, tt.want, w.summary())
		})
	}
}

func TestAConnectionThatWasFoundHasNotBeenOpenedNow(t *testing.T) {
	w := newWorld(t, nil)
	w.play(w.Found(event.RoleClient, local, remote), false, `C Q a\n`, `S A ok\n`)
	w.play(w.Found(event.RoleServer, local, remote), true, `C Q a\n`, `S A ok\n`)
	w.play(w.Dial(w.thread, local, remote), false, `C Q a\n`, `S A ok\n`)
	require.Len(t, w.got, 3)
	opened := []bool{w.got[0].Opened, w.got[1].Opened, w.got[2].Opened}
	assert.Equal(t, []bool{false, false, true}, opened, "nobody saw who connected or accepted the first two")
	assert.Equal(t, []string{"client a answered ok lossy", "server a answered ok lossy", "client a answered ok"}, w.summary())
}

func TestAnUnknownProtocolIsNotTriedForEver(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Role = func(*event.Conn) event.Role { return event.RoleServer } })
	s := w.Existing(local, remote)
	for range maxTries {
		w.play(s, true, `C xx`, `S yy`)
	}
	w.play(s, true, `C Q a\n`, `S A ok\n`, `quiet`)
	got := w.summary()
	assert.Equal(t, "server ? answered opaque", got[len(got)-1])
}

func TestAnUnannouncedConnectionHasNoAddresses(t *testing.T) {
	w := newWorld(t, nil)
	w.Lose = func(ev any) bool { _, is := ev.(*event.Conn); return is }
	s := w.Accept(w.thread, local, remote)
	w.play(s, true, `C Q a\n`, `S A ok\n`)
	require.Len(t, w.got, 1)
	assert.False(t, w.got[0].Conn.Local.IsValid())
	assert.False(t, w.got[0].Opened)
	assert.EqualValues(t, 1, w.table.Stats().Unannounced)
	assert.Equal(t, []string{"server a answered ok lossy"}, w.summary())
	w.table.Conn(&event.Conn{ID: s.ID, Role: event.RoleServer, Time: 7, Local: netip.MustParseAddrPort(local)})
	w.play(s, true, `C Q b\n`, `S A ok\n`)
	assert.True(t, w.got[0].Conn.Local.IsValid(), "announced after all")
	assert.False(t, w.got[0].Opened)
}

// TestLossNeverPairsAcross plays conversations in which each response repeats the
// name of its request, pipelined or not, captured whole or not, loses records at
// random, and demands that an exchange which is not marked lossy has its own
// response.
func TestLossNeverPairsAcross(t *testing.T) {
	clean, all := 0, 0
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 7))
		server := rng.IntN(2) == 0
		w := newWorld(t, nil)
		w.threads = nil // the connection must notice by itself
		w.Capture = []int{4096, 100, 30}[rng.IntN(3)]
		depth := 1 + rng.IntN(3)
		s := w.Dial(w.thread, local, remote)
		if server {
			s = w.Accept(w.thread, local, remote)
		}
		w.exchanges(rng, s, server, 1) // where the streams begin can only be seen
		w.Lose = func(ev any) bool { _, is := ev.(*event.IO); return is && rng.IntN(15) == 0 }
		for range 60 {
			w.exchanges(rng, s, server, 1+rng.IntN(depth))
			if rng.IntN(3) == 0 {
				w.tick(30 * time.Millisecond)
			}
			all++
		}
		for _, e := range w.got {
			if e.Lossy || e.RequestMessage == nil || e.ResponseMessage == nil {
				continue
			}
			clean++
			require.Contains(t, e.ResponseMessage.Attributes[0].Str, " "+e.RequestMessage.Name+" ", "seed %d", seed)
		}
	}
	assert.Greater(t, clean, all/4)
}

// exchanges are n requests in a row and their responses, in pieces, with bodies.
func (w *world) exchanges(rng *rand.Rand, s *simkernel.Socket, server bool, n int) {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("r%d", rng.Uint32())
		w.message(rng, s, server, "C Q", names[i])
	}
	for _, name := range names {
		w.message(rng, s, server, "S A ok", name)
	}
}

func (w *world) message(rng *rand.Rand, s *simkernel.Socket, server bool, verb, name string) {
	body := strings.Repeat("b", rng.IntN(4)*20)
	w.play(s, server, fmt.Sprintf(`%s %s len=%d\n`, verb, name, len(body)))
	if body != "" {
		w.play(s, server, verb[:2]+body)
	}
}

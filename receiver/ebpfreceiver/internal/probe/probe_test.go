package probe

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// lengths are the bytes moved per event.
func lengths(events []event.IO) []int {
	var out []int
	for _, e := range events {
		out = append(out, int(e.Len))
	}
	return out
}

// text is the payload of the events, one after the other.
func text(events []event.IO) string {
	var b strings.Builder
	for _, e := range events {
		b.Write(e.Payload)
	}
	return b.String()
}

func requireNothingLost(t *testing.T, s *stage) {
	t.Helper()
	counters, err := s.Counters()
	require.NoError(t, err)
	for c := LostRingConn; c <= LostFDTable; c++ {
		assert.Zero(t, counters[c], "lost: %s", c)
	}
	assert.Zero(t, counters[LostRecursion], "lost: recursion")
	assert.Equal(t, uint64(len(s.ios)), counters[RecordsIO], "records sent and read")
	assert.Equal(t, uint64(len(s.conns)), counters[RecordsConn])
	assert.Equal(t, uint64(len(s.closes)), counters[RecordsClose])
}

func TestEveryWayToMoveBytesIsSeen(t *testing.T) {
	silentWriters := map[string]bool{"sendfile": true, "splice": true}
	silentReaders := map[string]bool{"splice": true, "trunc": true}
	for w := range writers {
		for r := range readers {
			for _, family := range []string{"4", "6"} {
				t.Run(w+" to "+r+" over IPv"+family, func(t *testing.T) {
					s := newStage(t, nil)
					var truth ioTruth
					a := s.trace("io:"+w+":"+r+":"+family, Target{}, &truth)
					out, in := s.of(event.Egress), s.of(event.Ingress)
					assert.Equal(t, truth.Written, lengths(out))
					assert.Equal(t, truth.Read, lengths(in))
					sent := strings.Join(truth.Messages, "")
					switch {
					case silentWriters[w]:
						assert.Empty(t, text(out))
					case w == "sendmmsg": // payload of the first of the two messages
						assert.True(t, strings.HasPrefix(text(out), truth.Messages[0][:len(truth.Messages[0])/2]))
					default:
						assert.Equal(t, sent, text(out))
					}
					switch {
					case silentReaders[r]:
						assert.Empty(t, text(in))
					case r == "recvmmsg":
						assert.True(t, strings.HasPrefix(text(in), truth.Messages[0][:len(truth.Messages[0])/2]))
					default:
						assert.Equal(t, sent, text(in))
					}
					checkPositions(t, s)
					for i, e := range s.ios {
						assert.Equal(t, a.pid, e.At.PID)
						assert.Equal(t, uint32(truth.TID), e.At.TID)
						assert.Equal(t, uint32(i+1), e.At.IO, "ordinals count every I/O")
						assert.LessOrEqual(t, e.Enter, e.Exit)
						assert.NotZero(t, e.Enter)
					}
					requireNothingLost(t, s)
				})
			}
		}
	}
}

// checkPositions checks that both ends of a connection name the same bytes by
// the same TCP positions, without holes.
func checkPositions(t *testing.T, s *stage) {
	t.Helper()
	type stream struct {
		port uint16
		dir  event.Direction
	}
	first, next := map[stream]uint32{}, map[stream]uint32{}
	for _, e := range s.ios {
		conn, ok := s.conns[e.ConnID]
		require.True(t, ok, "announced before its first I/O")
		from := conn.Local.Port()
		if e.Direction == event.Ingress {
			from = conn.Remote.Port()
		}
		key := stream{from, e.Direction}
		if want, seen := next[key]; seen {
			assert.Equal(t, want, e.Seq)
		} else {
			first[key] = e.Seq
		}
		next[key] = e.Seq + e.Len
	}
	for key := range next {
		other := stream{key.port, 1 - key.dir}
		assert.Equal(t, first[key], first[other], "both ends name the first byte alike")
		assert.Equal(t, next[key], next[other], "both ends name the last byte alike")
	}
}

func TestConnectionsKnowTheirRoleAndEnds(t *testing.T) {
	s := newStage(t, nil)
	var truth ioTruth
	s.trace("io:write:read:4", Target{}, &truth)
	require.Len(t, s.conns, 2)
	byRole := map[event.Role]event.Conn{}
	for _, c := range s.conns {
		byRole[c.Role] = c
		assert.Equal(t, uint32(truth.TID), c.At.TID)
		assert.NotZero(t, c.NetNS)
	}
	client, server := byRole[event.RoleClient], byRole[event.RoleServer]
	assert.Equal(t, client.Local, server.Remote)
	assert.Equal(t, client.Remote, server.Local)
	assert.Equal(t, "127.0.0.1", server.Local.Addr().String())
	assert.Len(t, s.closes, 2)
	for _, c := range s.closes {
		assert.Zero(t, c.Errno)
		assert.False(t, c.Connecting)
	}
}

func TestHeadsAreMarkedAtEveryChangeOfDirection(t *testing.T) {
	s := newStage(t, nil)
	s.trace("io:write:read:4", Target{}, nil)
	require.Len(t, s.ios, 8)
	for i, e := range s.ios {
		assert.NotZero(t, e.Flags&event.Head, i)
		assert.Equal(t, i < 2, e.Flags&event.First != 0, i)
	}
}

func TestOnlyTheHeadOfAMessageIsCaptured(t *testing.T) {
	s := newStage(t, &Options{CaptureSize: 1000})
	var truth ioTruth
	s.trace("large", Target{}, &truth)
	out, in := s.of(event.Egress), s.of(event.Ingress)
	assert.Equal(t, truth.Written, lengths(out), "partial writes count as far as they went, refused ones not")
	assert.Equal(t, truth.Read, lengths(in))
	assert.Len(t, text(out), 1000)
	assert.Len(t, text(in), 1000)
	require.Greater(t, len(out), 1)
	assert.Empty(t, out[1].Payload)
	assert.Zero(t, out[1].Flags&event.Head)
	checkPositions(t, s)
	requireNothingLost(t, s)
}

func TestTheEndOfAStreamTakesNoPosition(t *testing.T) {
	s := newStage(t, nil)
	s.trace("fin", Target{}, nil)
	require.Len(t, s.ios, 8)
	checkPositions(t, s)
}

func TestPeekingIsNotReading(t *testing.T) {
	s := newStage(t, nil)
	var truth ioTruth
	s.trace("peek", Target{}, &truth)
	assert.Equal(t, truth.Read, lengths(s.of(event.Ingress)))
	checkPositions(t, s)
}

func TestARefusedConnectionIsReported(t *testing.T) {
	s := newStage(t, nil)
	var port int
	s.trace("refused", Target{}, &port)
	found := false
	for _, closed := range s.closes {
		if unix.Errno(closed.Errno) == unix.ECONNREFUSED {
			found = true
			conn := s.conns[closed.ConnID]
			assert.Equal(t, event.RoleClient, conn.Role)
			assert.Equal(t, port, int(conn.Remote.Port()))
			assert.True(t, closed.Connecting)
		}
	}
	assert.True(t, found, "%+v", s.closes)
}

func TestAnAttemptThatTheProcessGivesUpIsReported(t *testing.T) {
	s := newStage(t, nil)
	var truth lossTruth
	s.trace("giveup", Target{}, &truth)
	var attempts []event.Close
	for _, c := range s.closes {
		if c.Connecting {
			attempts = append(attempts, c)
		}
	}
	require.Len(t, attempts, 1)
	assert.Zero(t, attempts[0].Errno)
	assert.Equal(t, truth.Client, again(s, event.RoleClient), "of its first packet")
	assert.Equal(t, truth.Port, int(s.conns[attempts[0].ConnID].Remote.Port()))
}

// again counts the segments that were sent again by one end.
func again(s *stage, role event.Role) (n int) {
	for _, r := range s.again {
		if s.conns[r.ConnID].Role == role {
			n++
		}
	}
	return n
}

func TestEverySegmentSentAgainIsReported(t *testing.T) {
	s := newStage(t, nil)
	var truth lossTruth
	s.trace("loss", Target{}, &truth)
	assert.GreaterOrEqual(t, truth.Client, 2)
	assert.GreaterOrEqual(t, truth.Server, 1)
	assert.Equal(t, truth.Client, again(s, event.RoleClient))
	assert.Equal(t, truth.Server, again(s, event.RoleServer))
	assert.Len(t, s.ios, 4)
	requireNothingLost(t, s)
	counters, err := s.Counters()
	require.NoError(t, err)
	assert.Equal(t, uint64(len(s.again)), counters[RecordsRetransmit])
}

func TestSegmentsOfOthersAreNotReported(t *testing.T) {
	s := newStage(t, nil)
	start(t, "loss").play(nil) // not a target
	s.trace("tick", Target{}, nil)
	assert.Empty(t, s.again)
}

// handoffsOf are the handoffs on the last I/O of the thread.
func handoffsOf(s *stage, tid int, nth int) []event.Handoff {
	for _, e := range s.ios {
		if int(e.At.TID) == tid {
			if nth--; nth < 0 {
				return e.Handoffs
			}
		}
	}
	return nil
}

// own picks the handoff of the source thread's own message: the Go runtime of
// the actor wakes its threads for reasons of its own, too.
func own(hs []event.Handoff, from int) event.Handoff {
	for _, h := range hs {
		if h.Hops == 0 && int(h.SourceTID) == from && h.WakerTID == h.SourceTID {
			return h
		}
	}
	return event.Handoff{}
}

func TestAFutexWakeHandsOverTheRequest(t *testing.T) {
	s := newStage(t, nil)
	var truth handoffTruth
	s.trace("futex", Target{}, &truth)
	h := own(handoffsOf(s, truth.To, 0), truth.From)
	assert.Equal(t, uint32(2), h.SourceIO, "the read of the request was the thread's second I/O")
	assert.EqualValues(t, 1, h.SourceKind, "server read")
	assert.EqualValues(t, 1, h.Edge, "futex")
	assert.NotZero(t, h.Address)
	requireNothingLost(t, s)
}

func TestWakeFDsHandOverAsleepAndAwake(t *testing.T) {
	for _, kind := range []string{"eventfd", "pipe", "pair"} {
		t.Run(kind, func(t *testing.T) {
			s := newStage(t, nil)
			var truth handoffTruth
			s.trace(kind, Target{}, &truth)
			for turn := range 2 {
				h := own(handoffsOf(s, truth.To, turn), truth.From)
				assert.Equal(t, uint32(2*(turn+1)), h.SourceIO, "turn %d", turn)
				assert.EqualValues(t, 4, h.SourceKind, "client read")
				assert.Contains(t, []uint8{2, 3}, h.Edge, "fd or fd read")
				assert.NotZero(t, h.Address)
			}
			requireNothingLost(t, s)
		})
	}
}

func TestACreatedProcessCarriesWhatItsCreatorDid(t *testing.T) {
	s := newStage(t, nil)
	var truth handoffTruth
	s.trace("clone", Target{}, &truth)
	hs := handoffsOf(s, truth.To, 0)
	require.NotEmpty(t, hs)
	assert.Equal(t, uint32(truth.From), hs[0].SourceTID)
	assert.Equal(t, uint32(2), hs[0].SourceIO)
	assert.EqualValues(t, 4, hs[0].Edge, "clone")
}

func TestAThreadRemembersABoundedNumberOfHandoffs(t *testing.T) {
	s := newStage(t, nil)
	var truth handoffTruth
	s.trace("handoffs", Target{}, &truth)
	hs := handoffsOf(s, truth.To, 0)
	assert.Len(t, hs, 8)
	newest := uint32(0)
	for _, h := range hs {
		newest = max(newest, h.SourceIO)
	}
	assert.Equal(t, uint32(24), newest, "the newest is kept")
	counters, err := s.Counters()
	require.NoError(t, err)
	assert.NotZero(t, counters[CutHandoffs])
}

func TestTicksCountTurnsOfTheLoop(t *testing.T) {
	s := newStage(t, nil)
	s.trace("tick", Target{}, nil)
	var ticks, waited []uint32
	for _, e := range s.of(event.Egress) {
		ticks = append(ticks, e.At.Tick)
		waited = append(waited, uint32(e.Flags&event.WaitedEpoll))
	}
	require.Len(t, ticks, 4)
	base := ticks[0]
	assert.Equal(t, []uint32{base, base + 1, base + 1, base + 2}, ticks)
	w := uint32(event.WaitedEpoll)
	assert.Equal(t, []uint32{w, w, 0, w}, waited)
}

func TestGoroutinesAreNamed(t *testing.T) {
	s := newStage(t, nil)
	var truth goTruth
	s.trace("goroutine", Target{GoidOffset: 152, GoidParentOffset: 280}, &truth)
	out := s.of(event.Egress)
	require.Len(t, out, 1)
	assert.EqualValues(t, truth.Goid, out[0].At.Goid)
	assert.EqualValues(t, truth.Parent, out[0].At.GoidParent)
}

func TestForksAreTargetsAtOnce(t *testing.T) {
	s := newStage(t, nil)
	var truth struct{ PID uint32 }
	a := s.trace("fork", Target{}, &truth)
	var changes []event.Change
	for _, c := range s.changes {
		if c.PID == truth.PID {
			changes = append(changes, c.Change)
			if c.Change == event.Fork {
				assert.Equal(t, a.pid, c.Parent)
			}
		}
	}
	assert.Equal(t, []event.Change{event.Fork, event.Exec, event.Listen, event.Exit}, changes)
	seen := 0
	for _, e := range s.ios {
		if e.At.PID == truth.PID {
			seen++
		}
	}
	assert.Equal(t, 4, seen, "what the child wrote")
}

func TestListeningIsReportedByAnyProcess(t *testing.T) {
	s := newStage(t, nil)
	a := start(t, "listen") // not a target
	var port int
	a.play(&port)
	s.trace("tick", Target{}, nil) // what follows is in order
	found := false
	for _, c := range s.changes {
		found = found || c.Change == event.Listen && c.PID == a.pid && int(c.Port) == port
	}
	assert.True(t, found)
	for _, e := range s.ios {
		assert.NotEqual(t, a.pid, e.At.PID, "no target, no I/O")
	}
}

func TestAClearedTargetIsLeftAlone(t *testing.T) {
	s := newStage(t, nil)
	a := start(t, "tick")
	require.NoError(t, s.SetTarget(a.pid, Target{}))
	require.NoError(t, s.ClearTarget(a.pid))
	a.play(nil)
	s.trace("peek", Target{}, nil)
	for _, e := range s.ios {
		assert.NotEqual(t, a.pid, e.At.PID)
	}
	assert.NoError(t, s.ClearTarget(a.pid), "a process that is gone needs no clearing")
}

func TestEveryLimitIsCountedWhenHit(t *testing.T) {
	t.Run("connections", func(t *testing.T) {
		s := newStage(t, &Options{MaxConnections: 1})
		s.trace("io:write:read:4", Target{}, nil)
		counters, err := s.Counters()
		require.NoError(t, err)
		assert.NotZero(t, counters[LostConnTable])
		assert.Len(t, s.conns, 1)
	})
	t.Run("threads", func(t *testing.T) {
		s := newStage(t, &Options{MaxThreads: 5})
		s.trace("threads", Target{}, nil)
		counters, err := s.Counters()
		require.NoError(t, err)
		assert.NotZero(t, counters[LostThreadLimit])
		assert.LessOrEqual(t, len(s.ios), 5)
		// Threads that end make room again.
		before := len(s.ios)
		s.trace("tick", Target{}, nil)
		assert.Greater(t, len(s.ios), before)
	})
	t.Run("ring buffer", func(t *testing.T) {
		p, err := New(&Options{RingSize: 4096, CaptureSize: 1000})
		require.NoError(t, err)
		defer func() { require.NoError(t, p.Close()) }()
		a := start(t, "many") // nobody reads meanwhile
		require.NoError(t, p.SetTarget(a.pid, Target{}))
		a.play(nil)
		counters, err := p.Counters()
		require.NoError(t, err)
		assert.NotZero(t, counters[LostRingIO])
		assert.NotZero(t, counters[LostRingConn])
		assert.Equal(t, uint64(500), counters[RecordsIO]+counters[LostRingIO], "every I/O is sent or counted as lost")
	})
}

func TestConnectionsComeAndGoWithoutGrowth(t *testing.T) {
	s := newStage(t, &Options{MaxConnections: 64})
	var n int
	s.trace("many", Target{}, &n)
	assert.Len(t, s.of(event.Egress), n)
	assert.Len(t, s.closes, n, "only the ends that talked are announced and closed")
	requireNothingLost(t, s)
	assert.Zero(t, entries(s))
}

// entries counts what the kernel side's table of connections holds.
func entries(s *stage) (n int) {
	var key uint64
	var value []byte
	it := s.objects.Conns.Iterate()
	for it.Next(&key, &value) {
		n++
	}
	require.NoError(s.t, it.Err())
	return n
}

func TestConnectionsThatAreResetLeaveNothing(t *testing.T) {
	s := newStage(t, nil)
	var n int
	s.trace("reset", Target{}, &n)
	assert.GreaterOrEqual(t, len(s.closes), 3*n, "the clients' ends, at least")
	assert.Len(t, s.closes, len(s.conns))
	requireNothingLost(t, s)
	assert.Zero(t, entries(s))
}

// What the kernel side has seen until Close is read, however long until the next
// poll.
func TestCloseReadsWhatIsLeft(t *testing.T) {
	p, err := New(&Options{Poll: time.Hour, OnlyTargets: true}) // nobody else wakes the reader
	require.NoError(t, err)
	read := &recorder{conns: map[uint64]event.Conn{}}
	done := make(chan error, 1)
	go func() { done <- p.Run(read, nil) }()
	a := start(t, "many")
	require.NoError(t, p.SetTarget(a.pid, Target{}))
	_, err = io.WriteString(a.stdin, "go\n")
	require.NoError(t, err)
	var n int
	require.NoError(t, json.NewDecoder(a.stdout).Decode(&n)) // its exit would wake the reader
	require.NoError(t, p.Close())
	require.NoError(t, <-done)
	assert.Len(t, read.ios, n)
	assert.NoError(t, p.Run(read, nil), "after Close there is nothing to read")
	require.NoError(t, a.stdin.Close())
	require.NoError(t, a.cmd.Wait())
}

func TestAProcessThatIsGoneIsNoTarget(t *testing.T) {
	s := newStage(t, nil)
	a := start(t, "tick")
	a.play(nil)
	assert.ErrorContains(t, s.SetTarget(a.pid, Target{}), "process")
}

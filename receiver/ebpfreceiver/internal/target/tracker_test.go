package target

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs/procfstest"
)

func scan(t *testing.T, tracker *Tracker) {
	t.Helper()
	require.NoError(t, tracker.rescan(context.Background()))
}

func TestFirstScanTracesWhatTheRulesSelect(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 2, Exe: "/usr/bin/shop"}) // the Collector itself
	m.Run(procfstest.Process{PID: 30, Parent: 20, Start: 3000, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 20, Parent: 1, Start: 9000, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 21, Parent: 2, Exe: "/usr/bin/other"})
	m.Run(procfstest.Process{PID: 22, Parent: 2, Flags: 0x00200000, Exe: "/usr/bin/shop"}) // kernel thread
	m.Run(procfstest.Process{PID: 23, Parent: 2, State: "Z", Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 30", "add 20"}, sink.take(), "the older one first")
	assert.Equal(t, uint64(2), tracker.Stats().Processes)
	scan(t, tracker)
	assert.Empty(t, sink.take(), "nothing changed")
	assert.Equal(t, uint64(3), tracker.Stats().Inspected, "and nothing was looked at again")
}

func TestMaxProcesses(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	for pid := uint32(20); pid < 25; pid++ {
		m.Run(procfstest.Process{PID: pid, Image: uint64(pid), Exe: "/usr/bin/shop"})
	}
	config := rules(Rule{All: true})
	config.MaxProcesses = 3
	tracker := track(t, m, sink, config)
	scan(t, tracker)
	assert.Equal(t, []string{"add 20", "add 21", "add 22", "remove 23", "remove 24"}, sink.take(), "so that the kernel does not either")
	scan(t, tracker)
	assert.Empty(t, sink.take())
	assert.Equal(t, uint64(2), tracker.Stats().Refused, "each counts once")

	m.Run(procfstest.Process{PID: 50, Parent: 20, Image: 20, Exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"remove 50"}, sink.take(), "nor is a fork")
	assert.Equal(t, uint64(3), tracker.Stats().Refused)
	m.Run(procfstest.Process{PID: 21, Image: 2100, Exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Exec, pid: 21})
	assert.Equal(t, []string{"add 21"}, sink.take(), "those that are traced can change")

	m.End(20)
	tracker.handle(change{kind: event.Exit, pid: 20})
	scan(t, tracker)
	log := sink.take()
	require.Len(t, log, 2)
	assert.Equal(t, "remove 20", log[0])
	assert.Contains(t, []string{"add 23", "add 24", "add 50"}, log[1], "one of the refused takes the place")
	assert.Equal(t, uint64(3), tracker.Stats().Processes)
	assert.Equal(t, uint64(3), tracker.Stats().Refused)
}

func TestProcessesBeyondWhatIsRememberedAreStillTraced(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	for pid := uint32(20); pid < 30; pid++ {
		m.Run(procfstest.Process{PID: pid, Exe: "/bin/sh"})
	}
	m.Run(procfstest.Process{PID: 40, Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	tracker.knownLimit = 4
	scan(t, tracker)
	assert.Equal(t, []string{"add 40"}, sink.take())
	assert.Len(t, tracker.known, 5)
}

func TestASinkThatFailsIsAskedAgain(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 1000})
	tracker := track(t, m, sink, rules(Rule{All: true}))
	sink.fails = 2
	scan(t, tracker)
	assert.Zero(t, tracker.Stats().Processes)
	scan(t, tracker)
	scan(t, tracker)
	scan(t, tracker)
	assert.Equal(t, []string{"fail 20", "fail 20", "add 20"}, sink.take())
	assert.Equal(t, uint64(2), tracker.Stats().Failed)

	sink.fails = 1
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/sales", Image: 2000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"fail 20", "remove 20"}, sink.take(), "what it had is not true any more")
	assert.Zero(t, tracker.Stats().Processes)
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
}

func TestAMoveBetweenControlGroupsIsNoticed(t *testing.T) {
	const id = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 21, Exe: "/usr/bin/shop"})
	byExe, inContainer := track(t, m, sink, rules(Rule{Exe: "shop"})), newRecord()
	byContainer := track(t, m, inContainer, rules(Rule{ContainerID: id[:12]}))
	scan(t, byExe)
	scan(t, byContainer)
	sink.take()
	assert.Empty(t, inContainer.take())

	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Cgroup: "0::/docker/" + id + "\n"})
	scan(t, byExe)
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, id, sink.now[20].ContainerID)
	assert.Equal(t, id, get(sink.now[20], "container.id"))
	scan(t, byContainer)
	assert.Equal(t, []string{"add 20"}, inContainer.take())

	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop"})
	scan(t, byContainer)
	assert.Equal(t, []string{"remove 20"}, inContainer.take())
}

func TestPortRules(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	table := procfstest.ListenLine(8080, "111") + procfstest.ListenLine(9000, "222")
	m.Run(procfstest.Process{PID: 20, Exe: "/a", Image: 20, TCP: table, Sockets: []string{"7", "111"}})
	m.Run(procfstest.Process{PID: 21, Exe: "/b", Image: 21, TCP: table, Sockets: []string{"222"}})
	m.Run(procfstest.Process{PID: 22, Exe: "/c", Image: 22, TCP: procfstest.ListenLine(8080, "111"), NetNS: 4026539999, Sockets: []string{"111"}})
	m.Run(procfstest.Process{PID: 23, Exe: "/d", Image: 23, TCP: table})
	tracker := track(t, m, sink, rules(Rule{Ports: []any{"8000-8099", 81}}))
	scan(t, tracker)
	assert.ElementsMatch(t, []string{"add 20", "add 22"}, sink.take())
	inspected := tracker.Stats().Inspected
	scan(t, tracker)
	assert.Equal(t, inspected, tracker.Stats().Inspected, "as long as no port changes nobody is looked at")

	m.Run(procfstest.Process{PID: 50, Parent: 20, Exe: "/a", Image: 20, TCP: table})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"add 50"}, sink.take(), "a worker that got a connection handed over")
	table += procfstest.ListenLine(8081, "333")
	m.Run(procfstest.Process{PID: 23, Exe: "/d", Image: 23, TCP: table, Sockets: []string{"333"}})
	tracker.handle(change{kind: event.Listen, pid: 23, port: 8081})
	assert.Equal(t, []string{"add 23"}, sink.take())
	m.Run(procfstest.Process{PID: 21, Exe: "/b", Image: 21, TCP: table + procfstest.ListenLine(8082, "444"), Sockets: []string{"444"}})
	for _, pid := range []uint32{20, 23, 50} {
		m.Write(fmt.Sprintf("proc/%d/net/tcp", pid), procfstest.TableHead+table+procfstest.ListenLine(8082, "444"))
	}
	scan(t, tracker)
	assert.Equal(t, []string{"add 21"}, sink.take(), "the event was lost")

	m.Run(procfstest.Process{PID: 20, Exe: "/a", Image: 20, TCP: ""})
	scan(t, tracker)
	assert.Empty(t, sink.take(), "who closed its port may still have requests to answer")
	m.Run(procfstest.Process{PID: 20, Exe: "/a", Image: 2020, TCP: ""})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"remove 20"}, sink.take(), "but not the next program")
}

func TestListenEventsThatNoRuleIsAbout(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", TCP: procfstest.ListenLine(8080, "1")})
	m.Run(procfstest.Process{PID: 21, Exe: "/bin/sh", NetNS: 4026539999})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	inspected := tracker.Stats().Inspected
	loopback := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port) }
	assert.True(t, tracker.IsListening(4026531840, loopback(8080)))
	assert.False(t, tracker.IsListening(4026531840, loopback(8081)))
	assert.False(t, tracker.IsListening(4026531840, netip.MustParseAddrPort("10.0.0.1:8080")))
	assert.False(t, tracker.IsListening(4026539999, loopback(8080)))

	tracker.handle(change{kind: event.Listen, pid: 20, port: 8081}) // not in the table yet
	assert.True(t, tracker.IsListening(4026531840, loopback(8081)))
	assert.True(t, tracker.IsListening(4026531840, loopback(8080)), "what was known stays")
	m.Write("proc/20/net/tcp", procfstest.TableHead+procfstest.ListenLine(8082, "2"))
	tracker.handle(change{kind: event.Listen, pid: 20, port: 8082})
	assert.True(t, tracker.IsListening(4026531840, loopback(8082)))
	assert.False(t, tracker.IsListening(4026531840, loopback(8081)), "what is gone goes with the next look")
	tracker.handle(change{kind: event.Listen, pid: 21, port: 80})
	assert.False(t, tracker.IsListening(4026539999, loopback(80)), "nobody is traced there")
	tracker.handle(change{kind: event.Listen, pid: 99, port: 80})
	assert.Equal(t, inspected, tracker.Stats().Inspected)

	m.End(20)
	scan(t, tracker)
	scan(t, tracker)
	assert.False(t, tracker.IsListening(4026531840, loopback(8082)), "nor here any more")
}

func TestWithoutTheRightToLookTheNameMustDo(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop"})
	exe := filepath.Join(m.Root, "proc/20/exe")
	require.NoError(t, os.Remove(exe))
	require.NoError(t, os.WriteFile(exe, nil, 0o600)) // readlink says EINVAL
	tracker := track(t, m, sink, rules(Rule{All: true}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, "shop", sink.now[20].Service)
	assert.Equal(t, uint64(1), tracker.Stats().Denied)
}

func TestAnErrorOfProcIsNoExit(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 1000})
	tracker := track(t, m, sink, rules(Rule{All: true}))
	scan(t, tracker)
	m.Write("proc/20/stat", "nonsense")
	scan(t, tracker)
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, uint64(1), tracker.Stats().Denied)
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 1000})
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take(), "it is looked at again")
}

func TestRunFollowsEventsAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, sink := procfstest.New(t), newRecord()
		m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop"})
		tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tracker.Run(ctx) }()
		synctest.Wait()
		assert.Equal(t, []string{"add 20"}, sink.take())

		m.Run(procfstest.Process{PID: 21, Exe: "/usr/bin/shop"})
		tracker.Notify(&event.Process{Change: event.Exec, PID: 21, Comm: "shop"})
		synctest.Wait()
		assert.Equal(t, []string{"add 21"}, sink.take())

		m.Run(procfstest.Process{PID: 22, Exe: "/usr/bin/shop"})
		<-time.After(tracker.interval)
		synctest.Wait()
		assert.Equal(t, []string{"add 22"}, sink.take())
		assert.Equal(t, uint64(2), tracker.Stats().Rescans)

		require.NoError(t, os.Rename(filepath.Join(m.Root, "proc"), filepath.Join(m.Root, "gone")))
		<-time.After(tracker.interval)
		synctest.Wait()
		assert.Empty(t, sink.take(), "an unreadable /proc is no reason to stop")
		assert.Equal(t, uint64(1), tracker.Stats().ScanErrors)
		cancel()
		assert.NoError(t, <-ended)
	})
}

func TestAFullQueueDropsAndTheNextRescanRepairs(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	config := rules(Rule{Exe: "shop"})
	tracker, err := New(&config, sink, &Options{Root: m.Root, Self: 2, Queue: 4})
	require.NoError(t, err)
	for pid := uint32(20); pid < 30; pid++ {
		m.Run(procfstest.Process{PID: pid, Exe: "/usr/bin/shop"})
		tracker.Notify(&event.Process{Change: event.Exec, PID: pid})
	}
	assert.Equal(t, uint64(6), tracker.Stats().Dropped)
	for range 4 {
		tracker.handle(<-tracker.queue)
	}
	assert.Len(t, sink.now, 4)
	scan(t, tracker)
	assert.Len(t, sink.now, 10)
}

func TestRunSaysThatProcCannotBeRead(t *testing.T) {
	m := procfstest.New(t)
	tracker := track(t, m, newRecord(), rules(Rule{All: true}))
	require.NoError(t, os.RemoveAll(filepath.Join(m.Root, "proc")))
	assert.ErrorContains(t, tracker.Run(t.Context()), "open process list")
}

func TestNewRefuses(t *testing.T) {
	config := NewConfig()
	_, err := New(&config, newRecord(), nil)
	assert.ErrorContains(t, err, "include: must have at least one rule")
	config = rules(Rule{All: true})
	_, err = New(&config, newRecord(), &Options{Root: t.TempDir()})
	assert.ErrorContains(t, err, "read boot time")
}

func TestACancelledScanStops(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{All: true}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, tracker.rescan(ctx))
	assert.Empty(t, sink.take())
}

func TestARescanReadsOnlySomeTablesOfSockets(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	const namespaces = 2*tablesPerRescan + 3
	for i := range namespaces {
		m.Run(procfstest.Process{PID: uint32(100 + i), Exe: "/usr/bin/shop", NetNS: 5000 + i})
	}
	tracker := track(t, m, sink, rules(Rule{All: true}))
	scan(t, tracker)
	local := netip.MustParseAddrPort("127.0.0.1:80")
	for i := range namespaces {
		m.Write(fmt.Sprintf("proc/%d/net/tcp", 100+i), procfstest.TableHead+procfstest.ListenLine(80, "1"))
	}
	for _, want := range []int{tablesPerRescan, 2 * tablesPerRescan, namespaces} {
		scan(t, tracker)
		listening := 0
		for i := range namespaces {
			if tracker.IsListening(uint32(5000+i), local) {
				listening++
			}
		}
		assert.Equal(t, want, listening, "each gets its turn")
	}
	for i := range namespaces {
		m.End(uint32(100 + i))
	}
	scan(t, tracker)
	scan(t, tracker)
	assert.Empty(t, tracker.tables)
}

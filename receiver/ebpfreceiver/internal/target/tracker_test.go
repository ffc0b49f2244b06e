package target

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

func scan(t *testing.T, tracker *Tracker) {
	t.Helper()
	require.NoError(t, tracker.rescan(context.Background()))
}

func TestFirstScanTracesWhatTheRulesSelect(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 2, exe: "/usr/bin/shop"}) // the Collector itself
	m.run(fakeProcess{pid: 30, parent: 20, start: 3000, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 20, parent: 1, start: 9000, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 21, parent: 2, exe: "/usr/bin/other"})
	m.run(fakeProcess{pid: 22, parent: 2, flags: 0x00200000, exe: "/usr/bin/shop"}) // kernel thread
	m.run(fakeProcess{pid: 23, parent: 2, state: "Z", exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 30", "add 20"}, sink.take(), "the older one first")
	assert.Equal(t, uint64(2), tracker.Stats().Processes)
	scan(t, tracker)
	assert.Empty(t, sink.take(), "nothing changed")
	assert.Equal(t, uint64(3), tracker.Stats().Inspected, "and nothing was looked at again")
}

func TestExecMovesAProcessInAndOut(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/bin/sh", image: 1000})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Empty(t, sink.take())

	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 2000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take())

	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 3000, env: []string{"OTEL_SERVICE_NAME=renamed"}})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take(), "the same program again is described again")
	assert.Equal(t, "renamed", sink.now[20].Service)

	m.run(fakeProcess{pid: 20, exe: "/bin/sh", image: 4000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"remove 20"}, sink.take())
	assert.Zero(t, tracker.Stats().Processes)
}

func TestRescanFindsAnExecWhoseEventWasLost(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/bin/sh", image: 1000})
	m.run(fakeProcess{pid: 21, exe: "/usr/bin/shop", image: 1100})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 21"}, sink.take())
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 2000})
	m.run(fakeProcess{pid: 21, exe: "/bin/sh", image: 2100})
	scan(t, tracker)
	assert.ElementsMatch(t, []string{"add 20", "remove 21"}, sink.take())
}

func TestForkTakesOverTheDescription(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, parent: 1, start: 100, image: 7, exe: "/usr/bin/shop", env: []string{"OTEL_RESOURCE_ATTRIBUTES=team=blue"}})
	tracker := m.track(sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	m.run(fakeProcess{pid: 50, parent: 20, start: 250, image: 7})
	require.NoError(t, os.Remove(filepath.Join(m.root, "proc/50/environ")), "it must not be read")
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	require.Equal(t, []string{"add 20", "add 50"}, sink.take())
	parent, child := sink.now[20], sink.now[50]
	assert.Equal(t, uint32(20), child.Parent)
	assert.Equal(t, parent.Service, child.Service)
	assert.Equal(t, "/usr/bin/shop", child.Executable)
	assert.Equal(t, int64(50), get(child, "process.pid"))
	assert.Equal(t, int64(20), get(child, "process.parent_pid"))
	assert.Equal(t, "2023-11-14T22:13:22.5Z", get(child, "process.creation.time"))
	assert.Equal(t, "blue", get(child, "team"))
	assert.NotEqual(t, get(parent, "service.instance.id"), get(child, "service.instance.id"))
	assert.Equal(t, int64(20), get(parent, "process.pid"), "the parent's stays as it was")

	m.run(fakeProcess{pid: 51, parent: 50, start: 260, image: 7})
	tracker.handle(change{kind: event.Fork, pid: 51, parent: 50})
	assert.Equal(t, []string{"add 51"}, sink.take(), "a fork of a fork too")
	scan(t, tracker)
	assert.Empty(t, sink.take(), "and they stay, though no rule names their pids")
}

func TestForkThatRunsAnotherProgramIsRemoved(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, image: 7, exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	m.run(fakeProcess{pid: 50, parent: 20, image: 7, exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	m.run(fakeProcess{pid: 50, parent: 20, image: 8, exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 50})
	assert.Equal(t, []string{"add 20", "add 50", "remove 50"}, sink.take())

	m.run(fakeProcess{pid: 51, parent: 20, image: 9, exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Fork, pid: 51, parent: 20})
	assert.Equal(t, []string{"remove 51"}, sink.take(), "the exec was quicker than we: the kernel traces it and must stop")
	m.run(fakeProcess{pid: 52, parent: 20, image: 10, exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 52})
	assert.Equal(t, []string{"remove 52"}, sink.take(), "the event of its fork was lost")
	m.run(fakeProcess{pid: 53, parent: 1, image: 11, exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 53})
	assert.Equal(t, []string{"remove 53"}, sink.take(), "and its parent is gone")
	m.run(fakeProcess{pid: 54, parent: 20, image: 12, exe: "/usr/bin/convert"})
	scan(t, tracker)
	assert.Equal(t, []string{"remove 54"}, sink.take(), "both events were lost")
}

func TestRescanFindsAForkWhoseEventWasLost(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, start: 10, image: 7, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 19, start: 11, parent: 20, image: 7, exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 20", "add 19"}, sink.take(), "also at the first scan, whatever their numbers")
	m.run(fakeProcess{pid: 50, parent: 19, image: 7, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 51, parent: 19, image: 8, exe: "/usr/bin/shop"}) // ran it anew
	scan(t, tracker)
	assert.Equal(t, []string{"add 50", "remove 51"}, sink.take())
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 19})
	assert.Empty(t, sink.take(), "a late event adds nothing")
}

func TestForkOfAProcessThatARuleExcludesIsNotTraced(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, image: 7, exe: "/usr/bin/shop"})
	config := rules(Rule{All: true})
	config.Exclude = []Rule{{PIDs: []int{50}}}
	tracker := m.track(sink, config)
	scan(t, tracker)
	m.run(fakeProcess{pid: 50, parent: 20, image: 7, exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"add 20", "remove 50"}, sink.take())
}

func TestExitRemoves(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	for pid := uint32(20); pid < 23; pid++ {
		m.run(fakeProcess{pid: pid, exe: "/usr/bin/shop"})
	}
	tracker := m.track(sink, rules(Rule{All: true}))
	scan(t, tracker)
	sink.take()
	m.end(20)
	tracker.handle(change{kind: event.Exit, pid: 20})
	m.run(fakeProcess{pid: 21, exe: "/usr/bin/shop", state: "Z"})
	tracker.handle(change{kind: event.Exit, pid: 21})
	assert.Equal(t, []string{"remove 20", "remove 21"}, sink.take())
	m.end(22)
	scan(t, tracker)
	assert.Equal(t, []string{"remove 22"}, sink.take(), "the event was lost")
	tracker.handle(change{kind: event.Exit, pid: 22})
	tracker.handle(change{kind: event.Exit, pid: 77})
	assert.Empty(t, sink.take(), "of one that is not known")
}

func TestAProcessWhoseLeaderIsGoneStays(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", threads: 5})
	tracker := m.track(sink, rules(Rule{All: true}))
	scan(t, tracker)
	m.run(fakeProcess{pid: 20, image: 1, state: "Z", threads: 4})
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
}

func TestAPidThatIsUsedAgainIsAnotherProcess(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, start: 100, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 21, start: 100, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 22, start: 100, exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	sink.take()

	m.run(fakeProcess{pid: 20, start: 500, exe: "/usr/bin/shop"})
	scan(t, tracker)
	assert.Equal(t, []string{"remove 20", "add 20"}, sink.take(), "the exit was lost")
	assert.Equal(t, uint64(500), sink.now[20].Start)
	tracker.handle(change{kind: event.Exit, pid: 20})
	assert.Empty(t, sink.take(), "the exit of the first one comes late and is not that of the second")

	m.run(fakeProcess{pid: 21, start: 500, exe: "/bin/sh"})
	tracker.handle(change{kind: event.Exec, pid: 21})
	assert.Equal(t, []string{"remove 21"}, sink.take(), "known by an exec")
	m.run(fakeProcess{pid: 22, parent: 20, start: 501, image: 77, exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 22, parent: 20})
	assert.Equal(t, []string{"remove 22", "add 22"}, sink.take(), "known by a fork")
	assert.Equal(t, uint64(2), tracker.Stats().Processes)
}

func TestAProcessThatVanishesWhileLookedAtIsNoFault(t *testing.T) {
	for _, file := range []string{"stat", "exe", "cmdline", "cgroup", "environ", "ns/net"} {
		t.Run("at "+file, func(t *testing.T) {
			m, sink := newMachine(t), newRecord()
			m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 1000})
			tracker := m.track(sink, rules(Rule{CommandLine: "*shop*", Cgroup: "/**"}))
			scan(t, tracker)
			m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 2000})
			require.NoError(t, os.Remove(filepath.Join(m.root, "proc/20", file)))
			tracker.handle(change{kind: event.Exec, pid: 20})
			assert.Equal(t, []string{"add 20", "remove 20"}, sink.take())
			assert.Equal(t, uint64(1), tracker.Stats().Vanished)
			assert.Zero(t, tracker.Stats().Denied)
		})
	}
}

func TestAnExecWhileLookedAtIsSeen(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	tracker := m.track(sink, rules(Rule{Exe: "s*"}))
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 1000})
	environ := filepath.Join(m.root, "proc/20/environ")
	require.NoError(t, os.Remove(environ))
	require.NoError(t, syscall.Mkfifo(environ, 0o600)) // its reader waits for a writer
	done := make(chan struct{})
	go func() {
		defer close(done)
		tracker.handle(change{kind: event.Exec, pid: 20})
	}()
	writer, err := os.OpenFile(environ, os.O_WRONLY, 0)
	require.NoError(t, err)
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/sales", image: 2000})
	require.NoError(t, writer.Close())
	<-done
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, "sales", sink.now[20].Service, "and never half of one and half of the other")
}

func TestMaxProcesses(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	for pid := uint32(20); pid < 25; pid++ {
		m.run(fakeProcess{pid: pid, image: uint64(pid), exe: "/usr/bin/shop"})
	}
	config := rules(Rule{All: true})
	config.MaxProcesses = 3
	tracker := m.track(sink, config)
	scan(t, tracker)
	assert.Equal(t, []string{"add 20", "add 21", "add 22", "remove 23", "remove 24"}, sink.take(), "so that the kernel does not either")
	scan(t, tracker)
	assert.Empty(t, sink.take())
	assert.Equal(t, uint64(2), tracker.Stats().Refused, "each counts once")

	m.run(fakeProcess{pid: 50, parent: 20, image: 20, exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"remove 50"}, sink.take(), "nor is a fork")
	assert.Equal(t, uint64(3), tracker.Stats().Refused)
	m.run(fakeProcess{pid: 21, image: 2100, exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Exec, pid: 21})
	assert.Equal(t, []string{"add 21"}, sink.take(), "those that are traced can change")

	m.end(20)
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
	m, sink := newMachine(t), newRecord()
	for pid := uint32(20); pid < 30; pid++ {
		m.run(fakeProcess{pid: pid, exe: "/bin/sh"})
	}
	m.run(fakeProcess{pid: 40, exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
	tracker.knownLimit = 4
	scan(t, tracker)
	assert.Equal(t, []string{"add 40"}, sink.take())
	assert.Len(t, tracker.known, 5)
}

func TestASinkThatFailsIsAskedAgain(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 1000})
	tracker := m.track(sink, rules(Rule{All: true}))
	sink.fails = 2
	scan(t, tracker)
	assert.Zero(t, tracker.Stats().Processes)
	scan(t, tracker)
	scan(t, tracker)
	scan(t, tracker)
	assert.Equal(t, []string{"fail 20", "fail 20", "add 20"}, sink.take())
	assert.Equal(t, uint64(2), tracker.Stats().Failed)

	sink.fails = 1
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/sales", image: 2000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"fail 20", "remove 20"}, sink.take(), "what it had is not true any more")
	assert.Zero(t, tracker.Stats().Processes)
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
}

func TestAMoveBetweenControlGroupsIsNoticed(t *testing.T) {
	const id = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop"})
	m.run(fakeProcess{pid: 21, exe: "/usr/bin/shop"})
	byExe, inContainer := m.track(sink, rules(Rule{Exe: "shop"})), newRecord()
	byContainer := m.track(inContainer, rules(Rule{ContainerID: id[:12]}))
	scan(t, byExe)
	scan(t, byContainer)
	sink.take()
	assert.Empty(t, inContainer.take())

	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", cgroup: "0::/docker/" + id + "\n"})
	scan(t, byExe)
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, id, sink.now[20].ContainerID)
	assert.Equal(t, id, get(sink.now[20], "container.id"))
	scan(t, byContainer)
	assert.Equal(t, []string{"add 20"}, inContainer.take())

	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop"})
	scan(t, byContainer)
	assert.Equal(t, []string{"remove 20"}, inContainer.take())
}

func TestPortRules(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	table := listenLine(8080, "111") + listenLine(9000, "222")
	m.run(fakeProcess{pid: 20, exe: "/a", image: 20, tcp: table, sockets: []string{"7", "111"}})
	m.run(fakeProcess{pid: 21, exe: "/b", image: 21, tcp: table, sockets: []string{"222"}})
	m.run(fakeProcess{pid: 22, exe: "/c", image: 22, tcp: listenLine(8080, "111"), netns: 4026539999, sockets: []string{"111"}})
	m.run(fakeProcess{pid: 23, exe: "/d", image: 23, tcp: table})
	tracker := m.track(sink, rules(Rule{Ports: []any{"8000-8099", 81}}))
	scan(t, tracker)
	assert.ElementsMatch(t, []string{"add 20", "add 22"}, sink.take())
	inspected := tracker.Stats().Inspected
	scan(t, tracker)
	assert.Equal(t, inspected, tracker.Stats().Inspected, "as long as no port changes nobody is looked at")

	m.run(fakeProcess{pid: 50, parent: 20, exe: "/a", image: 20, tcp: table})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"add 50"}, sink.take(), "a worker that got a connection handed over")
	table += listenLine(8081, "333")
	m.run(fakeProcess{pid: 23, exe: "/d", image: 23, tcp: table, sockets: []string{"333"}})
	tracker.handle(change{kind: event.Listen, pid: 23, port: 8081})
	assert.Equal(t, []string{"add 23"}, sink.take())
	m.run(fakeProcess{pid: 21, exe: "/b", image: 21, tcp: table + listenLine(8082, "444"), sockets: []string{"444"}})
	for _, pid := range []uint32{20, 23, 50} {
		m.write(fmt.Sprintf("proc/%d/net/tcp", pid), tableHead+table+listenLine(8082, "444"))
	}
	scan(t, tracker)
	assert.Equal(t, []string{"add 21"}, sink.take(), "the event was lost")

	m.run(fakeProcess{pid: 20, exe: "/a", image: 20, tcp: ""})
	scan(t, tracker)
	assert.Empty(t, sink.take(), "who closed its port may still have requests to answer")
	m.run(fakeProcess{pid: 20, exe: "/a", image: 2020, tcp: ""})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"remove 20"}, sink.take(), "but not the next program")
}

func TestListenEventsThatNoRuleIsAbout(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", tcp: listenLine(8080, "1")})
	m.run(fakeProcess{pid: 21, exe: "/bin/sh", netns: 4026539999})
	tracker := m.track(sink, rules(Rule{Exe: "shop"}))
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
	m.write("proc/20/net/tcp", tableHead+listenLine(8082, "2"))
	tracker.handle(change{kind: event.Listen, pid: 20, port: 8082})
	assert.True(t, tracker.IsListening(4026531840, loopback(8082)))
	assert.False(t, tracker.IsListening(4026531840, loopback(8081)), "what is gone goes with the next look")
	tracker.handle(change{kind: event.Listen, pid: 21, port: 80})
	assert.False(t, tracker.IsListening(4026539999, loopback(80)), "nobody is traced there")
	tracker.handle(change{kind: event.Listen, pid: 99, port: 80})
	assert.Equal(t, inspected, tracker.Stats().Inspected)

	m.end(20)
	scan(t, tracker)
	scan(t, tracker)
	assert.False(t, tracker.IsListening(4026531840, loopback(8082)), "nor here any more")
}

func TestWithoutTheRightToLookTheNameMustDo(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop"})
	exe := filepath.Join(m.root, "proc/20/exe")
	require.NoError(t, os.Remove(exe))
	require.NoError(t, os.WriteFile(exe, nil, 0o600)) // readlink says EINVAL
	tracker := m.track(sink, rules(Rule{All: true}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, "shop", sink.now[20].Service)
	assert.Equal(t, uint64(1), tracker.Stats().Denied)
}

func TestAnErrorOfProcIsNoExit(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 1000})
	tracker := m.track(sink, rules(Rule{All: true}))
	scan(t, tracker)
	m.write("proc/20/stat", "nonsense")
	scan(t, tracker)
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take())
	assert.Equal(t, uint64(1), tracker.Stats().Denied)
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop", image: 1000})
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take(), "it is looked at again")
}

func TestRunFollowsEventsAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, sink := newMachine(t), newRecord()
		m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop"})
		tracker := m.track(sink, rules(Rule{Exe: "shop"}))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- tracker.Run(ctx) }()
		synctest.Wait()
		assert.Equal(t, []string{"add 20"}, sink.take())

		m.run(fakeProcess{pid: 21, exe: "/usr/bin/shop"})
		tracker.Notify(&event.Process{Change: event.Exec, PID: 21, Comm: "shop"})
		synctest.Wait()
		assert.Equal(t, []string{"add 21"}, sink.take())

		m.run(fakeProcess{pid: 22, exe: "/usr/bin/shop"})
		<-time.After(tracker.interval)
		synctest.Wait()
		assert.Equal(t, []string{"add 22"}, sink.take())
		assert.Equal(t, uint64(2), tracker.Stats().Rescans)

		require.NoError(t, os.Rename(filepath.Join(m.root, "proc"), filepath.Join(m.root, "gone")))
		<-time.After(tracker.interval)
		synctest.Wait()
		assert.Empty(t, sink.take(), "an unreadable /proc is no reason to stop")
		assert.Equal(t, uint64(1), tracker.Stats().ScanErrors)
		cancel()
		assert.NoError(t, <-ended)
	})
}

func TestAFullQueueDropsAndTheNextRescanRepairs(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	config := rules(Rule{Exe: "shop"})
	tracker, err := New(&config, sink, &Options{Root: m.root, Self: 2, Queue: 4})
	require.NoError(t, err)
	for pid := uint32(20); pid < 30; pid++ {
		m.run(fakeProcess{pid: pid, exe: "/usr/bin/shop"})
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
	m := newMachine(t)
	tracker := m.track(newRecord(), rules(Rule{All: true}))
	require.NoError(t, os.RemoveAll(filepath.Join(m.root, "proc")))
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
	m, sink := newMachine(t), newRecord()
	m.run(fakeProcess{pid: 20, exe: "/usr/bin/shop"})
	tracker := m.track(sink, rules(Rule{All: true}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, tracker.rescan(ctx))
	assert.Empty(t, sink.take())
}

func TestARescanReadsOnlySomeTablesOfSockets(t *testing.T) {
	m, sink := newMachine(t), newRecord()
	const namespaces = 2*tablesPerRescan + 3
	for i := range namespaces {
		m.run(fakeProcess{pid: uint32(100 + i), exe: "/usr/bin/shop", netns: 5000 + i})
	}
	tracker := m.track(sink, rules(Rule{All: true}))
	scan(t, tracker)
	local := netip.MustParseAddrPort("127.0.0.1:80")
	for i := range namespaces {
		m.write(fmt.Sprintf("proc/%d/net/tcp", 100+i), tableHead+listenLine(80, "1"))
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
		m.end(uint32(100 + i))
	}
	scan(t, tracker)
	scan(t, tracker)
	assert.Empty(t, tracker.tables)
}

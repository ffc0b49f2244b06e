package target

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs/procfstest"
)

func TestExecMovesAProcessInAndOut(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/bin/sh", Image: 1000})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Empty(t, sink.take())

	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 2000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take())

	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 3000, Env: []string{"OTEL_SERVICE_NAME=renamed"}})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"add 20"}, sink.take(), "the same program again is described again")
	assert.Equal(t, "renamed", sink.now[20].Service)

	m.Run(procfstest.Process{PID: 20, Exe: "/bin/sh", Image: 4000})
	tracker.handle(change{kind: event.Exec, pid: 20})
	assert.Equal(t, []string{"remove 20"}, sink.take())
	assert.Zero(t, tracker.Stats().Processes)
}

func TestRescanFindsAnExecWhoseEventWasLost(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/bin/sh", Image: 1000})
	m.Run(procfstest.Process{PID: 21, Exe: "/usr/bin/shop", Image: 1100})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 21"}, sink.take())
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 2000})
	m.Run(procfstest.Process{PID: 21, Exe: "/bin/sh", Image: 2100})
	scan(t, tracker)
	assert.ElementsMatch(t, []string{"add 20", "remove 21"}, sink.take())
}

func TestForkTakesOverTheDescription(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Parent: 1, Start: 100, Image: 7, Exe: "/usr/bin/shop", Env: []string{"OTEL_RESOURCE_ATTRIBUTES=team=blue"}})
	tracker := track(t, m, sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	m.Run(procfstest.Process{PID: 50, Parent: 20, Start: 250, Image: 7})
	require.NoError(t, os.Remove(filepath.Join(m.Root, "proc/50/environ")), "it must not be read")
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

	m.Run(procfstest.Process{PID: 51, Parent: 50, Start: 260, Image: 7})
	tracker.handle(change{kind: event.Fork, pid: 51, parent: 50})
	assert.Equal(t, []string{"add 51"}, sink.take(), "a fork of a fork too")
	scan(t, tracker)
	assert.Empty(t, sink.take(), "and they stay, though no rule names their pids")
}

func TestForkThatRunsAnotherProgramIsRemoved(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Image: 7, Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	m.Run(procfstest.Process{PID: 50, Parent: 20, Image: 7, Exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	m.Run(procfstest.Process{PID: 50, Parent: 20, Image: 8, Exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 50})
	assert.Equal(t, []string{"add 20", "add 50", "remove 50"}, sink.take())

	m.Run(procfstest.Process{PID: 51, Parent: 20, Image: 9, Exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Fork, pid: 51, parent: 20})
	assert.Equal(t, []string{"remove 51"}, sink.take(), "the exec was quicker than we: the kernel traces it and must stop")
	m.Run(procfstest.Process{PID: 52, Parent: 20, Image: 10, Exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 52})
	assert.Equal(t, []string{"remove 52"}, sink.take(), "the event of its fork was lost")
	m.Run(procfstest.Process{PID: 53, Parent: 1, Image: 11, Exe: "/usr/bin/convert"})
	tracker.handle(change{kind: event.Exec, pid: 53})
	assert.Equal(t, []string{"remove 53"}, sink.take(), "and its parent is gone")
	m.Run(procfstest.Process{PID: 54, Parent: 20, Image: 12, Exe: "/usr/bin/convert"})
	scan(t, tracker)
	assert.Equal(t, []string{"remove 54"}, sink.take(), "both events were lost")
}

func TestRescanFindsAForkWhoseEventWasLost(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Start: 10, Image: 7, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 19, Start: 11, Parent: 20, Image: 7, Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{PIDs: []int{20}}))
	scan(t, tracker)
	assert.Equal(t, []string{"add 20", "add 19"}, sink.take(), "also at the first scan, whatever their numbers")
	m.Run(procfstest.Process{PID: 50, Parent: 19, Image: 7, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 51, Parent: 19, Image: 8, Exe: "/usr/bin/shop"}) // ran it anew
	scan(t, tracker)
	assert.Equal(t, []string{"add 50", "remove 51"}, sink.take())
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 19})
	assert.Empty(t, sink.take(), "a late event adds nothing")
}

func TestForkOfAProcessThatARuleExcludesIsNotTraced(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Image: 7, Exe: "/usr/bin/shop"})
	config := rules(Rule{All: true})
	config.Exclude = []Rule{{PIDs: []int{50}}}
	tracker := track(t, m, sink, config)
	scan(t, tracker)
	m.Run(procfstest.Process{PID: 50, Parent: 20, Image: 7, Exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 50, parent: 20})
	assert.Equal(t, []string{"add 20", "remove 50"}, sink.take())
}

func TestExitRemoves(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	for pid := uint32(20); pid < 23; pid++ {
		m.Run(procfstest.Process{PID: pid, Exe: "/usr/bin/shop"})
	}
	tracker := track(t, m, sink, rules(Rule{All: true}))
	scan(t, tracker)
	sink.take()
	m.End(20)
	tracker.handle(change{kind: event.Exit, pid: 20})
	m.Run(procfstest.Process{PID: 21, Exe: "/usr/bin/shop", State: "Z"})
	tracker.handle(change{kind: event.Exit, pid: 21})
	assert.Equal(t, []string{"remove 20", "remove 21"}, sink.take())
	m.End(22)
	scan(t, tracker)
	assert.Equal(t, []string{"remove 22"}, sink.take(), "the event was lost")
	tracker.handle(change{kind: event.Exit, pid: 22})
	tracker.handle(change{kind: event.Exit, pid: 77})
	assert.Empty(t, sink.take(), "of one that is not known")
}

func TestAProcessWhoseLeaderIsGoneStays(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Threads: 5})
	tracker := track(t, m, sink, rules(Rule{All: true}))
	scan(t, tracker)
	m.Run(procfstest.Process{PID: 20, Image: 1, State: "Z", Threads: 4})
	scan(t, tracker)
	assert.Equal(t, []string{"add 20"}, sink.take())
}

func TestAPidThatIsUsedAgainIsAnotherProcess(t *testing.T) {
	m, sink := procfstest.New(t), newRecord()
	m.Run(procfstest.Process{PID: 20, Start: 100, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 21, Start: 100, Exe: "/usr/bin/shop"})
	m.Run(procfstest.Process{PID: 22, Start: 100, Exe: "/usr/bin/shop"})
	tracker := track(t, m, sink, rules(Rule{Exe: "shop"}))
	scan(t, tracker)
	sink.take()

	m.Run(procfstest.Process{PID: 20, Start: 500, Exe: "/usr/bin/shop"})
	scan(t, tracker)
	assert.Equal(t, []string{"remove 20", "add 20"}, sink.take(), "the exit was lost")
	assert.Equal(t, uint64(500), sink.now[20].Start)
	tracker.handle(change{kind: event.Exit, pid: 20})
	assert.Empty(t, sink.take(), "the exit of the first one comes late and is not that of the second")

	m.Run(procfstest.Process{PID: 21, Start: 500, Exe: "/bin/sh"})
	tracker.handle(change{kind: event.Exec, pid: 21})
	assert.Equal(t, []string{"remove 21"}, sink.take(), "known by an exec")
	m.Run(procfstest.Process{PID: 22, Parent: 20, Start: 501, Image: 77, Exe: "/usr/bin/shop"})
	tracker.handle(change{kind: event.Fork, pid: 22, parent: 20})
	assert.Equal(t, []string{"remove 22", "add 22"}, sink.take(), "known by a fork")
	assert.Equal(t, uint64(2), tracker.Stats().Processes)
}

func TestAProcessThatVanishesWhileLookedAtIsNoFault(t *testing.T) {
	for _, file := range []string{"stat", "exe", "cmdline", "cgroup", "environ", "ns/net"} {
		t.Run("at "+file, func(t *testing.T) {
			m, sink := procfstest.New(t), newRecord()
			m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 1000})
			tracker := track(t, m, sink, rules(Rule{CommandLine: "*shop*", Cgroup: "/**"}))
			scan(t, tracker)
			m.Run(procfstest.Process{PID: 20, Exe: "/usr/bin/shop", Image: 2000})
			require.NoError(t, os.Remove(filepath.Join(m.Root, "proc/20", file)))
			tracker.handle(change{kind: event.Exec, pid: 20})
			assert.Equal(t, []string{"add 20", "remove 20"}, sink.take())
			assert.Equal(t, uint64(1), tracker.Stats().Vanished)
			assert.Zero(t, tracker.Stats().Denied)
		})
	}
}

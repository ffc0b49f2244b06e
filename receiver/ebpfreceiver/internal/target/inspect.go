package target

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/resource"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/selector"
)

// knownLimit bounds the processes that are remembered as not to be traced.
// Those beyond are looked at anew in every rescan.
const knownLimit = 1 << 16

// entry is what is known of a process: of every one that was seen, so that a
// rescan need only look for what changed.
type entry struct {
	start  uint64
	image  procfs.Image
	groups uint64 // hash of its control groups; 0: not read
	// origin is the process that it was forked from, directly or not, without
	// running another program since: rules about that one hold for it.
	origin uint32
	netns  uint32   // read only for rules about ports
	ports  []uint16 // that rules name and it (or its origin) listens on
	basis  uint64   // hash of the listeners that ports was found from

	process *Process // nil: not traced
	refused bool     // for max_processes, and counted
	failed  bool     // to be looked at again: the Sink or /proc gave an error
	scan    uint64   // ordinal of the last rescan that saw it
}

// cause is why a process is looked at.
type cause struct {
	kind   event.Change // 0: a rescan found it new or changed
	parent uint32       // Fork
	port   uint16       // Listen
}

// attempts bounds how often a process is looked at anew that runs another program
// each time.
const attempts = 3

// inspect decides whether a process is traced.
func (t *Tracker) inspect(pid uint32, why cause) {
	t.counts.inspected.Add(1)
	for range attempts {
		stat, err := t.reader.Stat(pid)
		if err != nil || stat.Dead() {
			t.gone(pid, err)
			return
		}
		if pid == t.self || stat.KernelThread() {
			return
		}
		v, err := t.describer.Look(pid, stat)
		if procfs.Gone(err) {
			t.gone(pid, err)
			return
		}
		if err != nil {
			t.counts.denied.Add(1) // its name will have to do
		}
		if t.decide(v, why) {
			return
		}
	}
}

// decide compares a process with the rules and makes it so. It returns false if
// the process ran another program meanwhile.
func (t *Tracker) decide(v *resource.View, why cause) bool {
	old := t.known[v.PID]
	if old != nil && old.start != v.Stat.Start {
		t.forget(v.PID)
		old = nil
	}
	e := t.succeed(old, v, why)
	facts, err := t.facts(v, e, why)
	if err != nil {
		t.gone(v.PID, err)
		return true
	}
	if !t.selector.Match(facts) {
		t.reject(v, e, old, why)
		return true
	}
	process, err := t.describer.Describe(v)
	if err != nil {
		t.gone(v.PID, err)
		return true
	}
	e.groups = v.GroupsHash
	now, err := t.reader.Stat(v.PID)
	if err != nil {
		t.gone(v.PID, err)
		return true
	}
	if now.Start != v.Stat.Start || now.Image != v.Stat.Image {
		return false
	}
	t.admit(v.PID, e, process)
	return true
}

// succeed returns the entry of a process before it is decided on: what it takes
// over from its former one or, if forked since, from its parent's.
func (t *Tracker) succeed(old *entry, v *resource.View, why cause) *entry {
	e := &entry{start: v.Stat.Start, image: v.Stat.Image, origin: v.PID}
	if why.kind == event.Exec {
		return e
	}
	if old != nil {
		if old.image == e.image {
			e.origin, e.ports, e.refused = old.origin, old.ports, old.refused
		}
		return e
	}
	parent := v.Stat.Parent
	if why.parent != 0 {
		parent = why.parent
	}
	if p := t.known[parent]; p != nil && p.process != nil && p.image == e.image && p.start <= e.start && p.process.Executable == v.Executable {
		e.origin, e.ports = p.origin, p.ports
	}
	return e
}

// facts collects what the rules look at.
func (t *Tracker) facts(v *resource.View, e *entry, why cause) (*selector.Facts, error) {
	f := &selector.Facts{PID: v.PID, Origin: e.origin, Executable: v.Executable}
	needs := t.selector.Needs()
	var err error
	if needs.Args {
		if f.Args, err = t.describer.Args(v); procfs.Gone(err) {
			return nil, err
		}
	}
	if needs.Cgroups {
		if f.Cgroups, f.ContainerID, err = t.describer.Groups(v); procfs.Gone(err) {
			return nil, err
		}
		e.groups = v.GroupsHash
	}
	if needs.Ports {
		ports, err := t.ports(v.PID, e)
		if procfs.Gone(err) {
			return nil, err
		}
		if why.port != 0 {
			ports = append(ports, why.port)
		}
		// A server that closed its port has requests to finish: once is for ever.
		e.ports = union(e.ports, ports)
		f.Ports = e.ports
	}
	return f, nil
}

func union(a, b []uint16) []uint16 {
	for _, port := range b {
		if !slices.Contains(a, port) {
			a = append(slices.Clip(a), port)
		}
	}
	return a
}

// reject notes that a process is not traced, and undoes it if it was: by a
// former decision, or since the kernel traces what a traced process forks.
func (t *Tracker) reject(v *resource.View, e, old *entry, why cause) {
	parent := t.known[v.Stat.Parent]
	switch {
	case old != nil && old.process != nil:
		t.forget(v.PID)
	case why.kind == event.Fork, why.kind == 0 && old == nil && t.scanned, parent != nil && parent.process != nil,
		old == nil && v.Stat.Parent == 1 && t.scanned: // its real parent is gone and may have been traced
		t.sink.Remove(v.PID)
	}
	t.remember(v.PID, e)
}

func (t *Tracker) remember(pid uint32, e *entry) {
	if _, ok := t.known[pid]; ok || len(t.known) < t.knownLimit || e.process != nil {
		e.scan = t.counts.rescans.Load()
		t.known[pid] = e
	}
}

// admit traces a process if there is room.
func (t *Tracker) admit(pid uint32, e *entry, process *Process) {
	old := t.known[pid]
	wasTraced := old != nil && old.process != nil
	if !wasTraced && t.traced >= t.limit {
		if !e.refused {
			t.counts.refused.Add(1)
			t.sink.Remove(pid) // the kernel traces it already if it was forked
		}
		e.refused = true
		t.remember(pid, e)
		return
	}
	if t.listening.in(process.NetNS) == nil {
		t.readListeners(process.NetNS, pid)
	}
	if err := t.sink.Add(process); err != nil {
		t.counts.failed.Add(1)
		t.forget(pid)
		e.failed = true
		t.remember(pid, e)
		return
	}
	e.process, e.refused, e.failed = process, false, false
	t.remember(pid, e)
	if !wasTraced {
		t.traced++
		t.counts.processes.Store(uint64(t.traced))
	}
}

// gone notes that a process could not be looked at: mostly since it does not
// exist any more. For another reason it keeps its state until the next rescan.
func (t *Tracker) gone(pid uint32, err error) {
	if err == nil || procfs.Gone(err) {
		t.counts.vanished.Add(1)
		t.forget(pid)
		return
	}
	t.counts.denied.Add(1)
	if e := t.known[pid]; e != nil {
		e.failed = true
	}
}

// forget drops all that is known of a process.
func (t *Tracker) forget(pid uint32) {
	e := t.known[pid]
	if e == nil {
		return
	}
	delete(t.known, pid)
	if e.process != nil {
		t.traced--
		t.counts.processes.Store(uint64(t.traced))
		t.sink.Remove(pid)
	}
}

package target

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
)

// rescan looks for what events did not tell: processes that came, went or run
// another program, moves between control groups, and listening ports.
//
// It stops early when ctx is done.
func (t *Tracker) rescan(ctx context.Context) error {
	scan := t.counts.rescans.Add(1)
	t.refreshListeners()
	var fresh []newcomer
	err := t.reader.PIDs(func(pid uint32) {
		stat, err := t.reader.Stat(pid)
		e := t.known[pid]
		if e != nil && err != nil && !procfs.Gone(err) {
			e.scan = scan // no news, for want of descriptors or memory
		}
		if err != nil || stat.Dead() || stat.KernelThread() || pid == t.self {
			return
		}
		if e == nil || e.start != stat.Start {
			fresh = append(fresh, newcomer{pid, stat.Start})
			return
		}
		e.scan = scan
		t.recheck(pid, e, &stat)
	})
	if err != nil {
		return err
	}
	// Parents before their children, which may take over from them.
	slices.SortFunc(fresh, func(a, b newcomer) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.pid, b.pid))
	})
	for _, n := range fresh {
		if ctx.Err() != nil {
			return nil
		}
		t.inspect(n.pid, cause{})
	}
	for pid, e := range t.known {
		if e.scan != scan {
			t.forget(pid)
		}
	}
	t.scanned = true
	return nil
}

type newcomer struct {
	pid   uint32
	start uint64
}

// recheck looks at a known process again if anything about it changed.
func (t *Tracker) recheck(pid uint32, e *entry, stat *procfs.Stat) {
	switch {
	case stat.State == 'Z': // only its leader is gone; there is nothing to see
	case e.image != stat.Image:
		t.inspect(pid, cause{kind: event.Exec})
	case e.failed, e.refused && t.traced < t.limit, t.moved(pid, e), t.portsChanged(e):
		t.inspect(pid, cause{})
	}
}

func (t *Tracker) moved(pid uint32, e *entry) bool {
	if e.process == nil && !t.selector.Needs().Cgroups {
		return false
	}
	hash, err := t.reader.CgroupHash(pid)
	return err == nil && hash != e.groups
}

func (t *Tracker) portsChanged(e *entry) bool {
	if e.process != nil || !t.selector.Needs().Ports {
		return false
	}
	found := t.listening.in(e.netns)
	return found != nil && found.basis != e.basis
}

// tablesPerRescan bounds the tables of sockets that one rescan reads. One costs
// up to a millisecond: the kernel goes through a hash table that all network
// namespaces share. Events tell of new listeners meanwhile.
const tablesPerRescan = 16

// refreshListeners reads the tables of the network namespaces that matter, those
// first that were not read for longest, each through a process that is in it.
func (t *Tracker) refreshListeners() {
	members := make(map[uint32]uint32)
	for pid, e := range t.known {
		netns := e.netns
		if e.process != nil {
			netns = e.process.NetNS
		}
		if _, ok := members[netns]; ok || netns == 0 {
			continue
		}
		if actual, err := t.reader.NetNS(pid); err == nil && actual == netns {
			members[netns] = pid // else gone, or moved: another one will do
		}
	}
	t.listening.retain(func(netns uint32) bool { return members[netns] != 0 })
	order := slices.SortedFunc(maps.Keys(members), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(t.tables[a], t.tables[b]), cmp.Compare(a, b))
	})
	for _, netns := range order[:min(len(order), tablesPerRescan)] {
		t.readListeners(netns, members[netns])
	}
	maps.DeleteFunc(t.tables, func(netns uint32, _ uint64) bool { return members[netns] == 0 })
}

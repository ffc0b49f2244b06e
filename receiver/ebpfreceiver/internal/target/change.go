package target

import (
	"slices"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// handle looks at what became of a process. The event is old by now: it says
// where to look, and /proc says what is.
func (t *Tracker) handle(c change) {
	switch c.kind {
	case event.Fork:
		t.forked(c.pid, c.parent)
	case event.Exec:
		t.inspect(c.pid, cause{kind: event.Exec})
	case event.Exit:
		t.exited(c.pid)
	case event.Listen:
		t.listens(c.pid, c.port)
	}
}

// forked takes over the description of the parent as long as the child runs the
// same image, so that a server that forks per connection costs one read of one
// file each time.
func (t *Tracker) forked(pid, parent uint32) {
	stat, err := t.reader.Stat(pid)
	if err != nil || stat.Dead() {
		t.gone(pid, err)
		return
	}
	if old := t.known[pid]; old != nil && old.start == stat.Start && old.process != nil {
		return // a rescan was quicker
	}
	p := t.known[parent]
	if t.known[pid] != nil || p == nil || p.process == nil || p.image != stat.Image || stat.Image.Stack == 0 || t.selector.NamesPID(pid) {
		t.inspect(pid, cause{kind: event.Fork, parent: parent})
		return
	}
	t.counts.inspected.Add(1)
	e := *p
	e.start, e.process, e.refused = stat.Start, nil, false
	t.admit(pid, &e, t.host.Fork(p.process, pid, stat.Start))
}

// exited forgets a process whose last thread is gone. If one with this id lives,
// the id was used again and a rescan has seen it before this event came up.
func (t *Tracker) exited(pid uint32) {
	e := t.known[pid]
	if e == nil {
		return
	}
	stat, err := t.reader.Stat(pid)
	if err == nil && !stat.Dead() && stat.Start == e.start {
		return
	}
	t.forget(pid)
}

// listens notes a new listening port, where it can matter: in a namespace with
// traced processes, or for a rule about ports.
func (t *Tracker) listens(pid uint32, port uint16) {
	wanted := t.selector.WantsPort(port)
	netns, err := t.reader.NetNS(pid)
	if err != nil {
		t.gone(pid, err)
		return
	}
	if t.listening.in(netns) != nil || wanted {
		t.readListeners(netns, pid)
		if found := t.listening.in(netns); found == nil || !found.has(port) {
			t.listening.add(netns, port) // closed already, or not yet in the table
		}
	}
	if wanted {
		t.inspect(pid, cause{kind: event.Listen, port: port})
	}
}

// readListeners reads the table of a namespace through a process that is in it.
func (t *Tracker) readListeners(netns, pid uint32) *listeners {
	t.tables[netns] = t.counts.rescans.Load()
	sockets, err := t.reader.Listeners(pid)
	if err != nil {
		return t.listening.in(netns)
	}
	return t.listening.update(netns, sockets)
}

// ports returns those of the ports that rules name on which a process listens,
// and notes in its entry what the answer was made from.
func (t *Tracker) ports(pid uint32, e *entry) (ports []uint16, err error) {
	if e.netns, err = t.reader.NetNS(pid); err != nil {
		return nil, err
	}
	found := t.listening.in(e.netns)
	if found == nil {
		if found = t.readListeners(e.netns, pid); found == nil {
			return nil, nil
		}
	}
	e.basis = found.basis
	if len(found.wanted) == 0 {
		return nil, nil
	}
	err = t.reader.Sockets(pid, func(inode uint64) bool {
		if port, ok := found.wanted[inode]; ok && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
		return true
	})
	return ports, err
}

package ebpfreceiver

import (
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// newborns remembers who forked whom. A process may serve one connection and be
// gone before anybody can read what it is; then it is described after its parent.
type newborns struct {
	parents func(pid uint32) (pcommon.Resource, bool)
	limit   int
	now     func() time.Time

	mu    sync.Mutex
	known map[uint32]newborn
	order []uint32 // of known, oldest first
}

type newborn struct {
	parent uint32 // zero: it runs a program of its own
	comm   string
	at     time.Time
}

func newNewborns(parents func(uint32) (pcommon.Resource, bool), limit int) *newborns {
	return &newborns{parents: parents, limit: limit, now: time.Now, known: map[uint32]newborn{}}
}

// note takes a change of a process. It keeps nothing of ev.
func (n *newborns) note(ev *event.Process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch ev.Change {
	case event.Fork:
		n.add(ev.PID, newborn{parent: ev.Parent, comm: strings.Clone(ev.Comm), at: n.now()})
	case event.Exec:
		if b, ok := n.known[ev.PID]; ok {
			n.known[ev.PID] = newborn{comm: strings.Clone(ev.Comm), at: b.at}
		}
	}
}

func (n *newborns) add(pid uint32, b newborn) {
	if _, again := n.known[pid]; !again {
		n.order = append(n.order, pid)
	}
	n.known[pid] = b
	for len(n.order) > 0 && (len(n.order) > n.limit || n.known[n.order[0]].at.Before(b.at.Add(-gone))) {
		delete(n.known, n.order[0])
		n.order = append(n.order[:0], n.order[1:]...)
	}
}

// Resource describes a process that was not seen alive: after its parent, or by
// its id alone. The caller owns it.
func (n *newborns) Resource(pid uint32) pcommon.Resource {
	n.mu.Lock()
	b := n.known[pid]
	n.mu.Unlock()
	r := pcommon.NewResource()
	a := r.Attributes()
	a.PutStr(string(semconv.ServiceNameKey), unknownService(b.comm))
	if parent, ok := n.parents(b.parent); ok && b.parent != 0 {
		parent.CopyTo(r)
		a.Remove(string(semconv.ServiceInstanceIDKey)) // that is the parent's
		a.PutInt(string(semconv.ProcessParentPIDKey), int64(b.parent))
	}
	a.PutInt(string(semconv.ProcessPIDKey), int64(pid))
	if !b.at.IsZero() {
		a.PutStr(string(semconv.ProcessCreationTimeKey), b.at.UTC().Format(time.RFC3339Nano))
	}
	return r
}

// unknownService is what the semantic conventions call a service without a name.
func unknownService(comm string) string {
	if comm == "" {
		return "unknown_service"
	}
	return "unknown_service:" + comm
}

package ebpfreceiver

import (
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// gone is how long the description of a process is kept after its end: spans of
// its last moments are still under way.
const gone = 30 * time.Second

// processes marks the traced processes in the kernel and keeps their resources.
type processes struct {
	marker marker
	limit  int
	now    func() time.Time

	mu      sync.Mutex
	known   map[uint32]described
	removed []removal // oldest first
}

type described struct {
	resource pcommon.Resource // never written again
	start    uint64           // of the process, which tells it from a later one
	removed  bool
}

type removal struct {
	pid   uint32
	start uint64
	at    time.Time
}

var _ target.Sink = (*processes)(nil)

func newProcesses(m marker, limit int) *processes {
	return &processes{marker: m, limit: limit, now: time.Now, known: map[uint32]described{}}
}

// Add makes a process a target and describes it.
func (p *processes) Add(t *target.Process) error {
	resource := toResource(t.Resource)
	p.mu.Lock()
	p.purge()
	p.known[t.PID] = described{resource: resource, start: t.Start}
	p.mu.Unlock()
	goOffsets := probe.Target{GoidOffset: t.GoidOffset, GoidParentOffset: t.GoidParentOffset}
	if err := p.marker.SetTarget(t.PID, goOffsets); err != nil {
		p.forget(t.PID)
		return fmt.Errorf("trace process %d: %w", t.PID, err)
	}
	return nil
}

// Remove ends the tracing of a process. Its description stays a little.
func (p *processes) Remove(pid uint32) {
	// The process is gone or untraced; there is nothing to do about an error.
	_ = p.marker.ClearTarget(pid)
	p.forget(pid)
}

// forget starts the clock on a description.
func (p *processes) forget(pid uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.known[pid]
	if !ok || d.removed {
		return
	}
	d.removed = true
	p.known[pid] = d
	p.removed = append(p.removed, removal{pid, d.start, p.now()})
	p.purge()
}

// purge drops descriptions of processes that are long gone, and more if there
// are too many.
func (p *processes) purge() {
	deadline := p.now().Add(-gone)
	n := 0
	for _, r := range p.removed {
		if len(p.removed)-n <= p.limit && r.at.After(deadline) {
			break
		}
		if d := p.known[r.pid]; d.removed && d.start == r.start {
			delete(p.known, r.pid)
		}
		n++
	}
	p.removed = append(p.removed[:0], p.removed[n:]...)
}

// Resource returns the resource of a process, which is only to be read.
func (p *processes) Resource(pid uint32) (pcommon.Resource, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, ok := p.known[pid]
	return d.resource, ok
}

func toResource(attributes []target.Attribute) pcommon.Resource {
	r := pcommon.NewResource()
	a := r.Attributes()
	a.EnsureCapacity(len(attributes))
	for _, at := range attributes {
		switch v := at.Value.(type) {
		case string:
			a.PutStr(at.Key, v)
		case int64:
			a.PutInt(at.Key, v)
		case []string:
			list := a.PutEmptySlice(at.Key)
			for _, s := range v {
				list.AppendEmpty().SetStr(s)
			}
		}
	}
	return r
}

package target

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs/procfstest"
)

const someID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"

// record is a Sink that writes down what it is told.
type record struct {
	log   []string
	now   map[uint32]*Process
	fails int // so many calls of Add that fail
	// only says whose removal is of interest; nil: everybody's. On a real machine
	// other processes come and go, but never may one be added.
	only []uint32
}

func newRecord() *record { return &record{now: map[uint32]*Process{}} }

func (r *record) Add(p *Process) error {
	if r.fails > 0 {
		r.fails--
		r.log = append(r.log, fmt.Sprintf("fail %d", p.PID))
		return os.ErrPermission
	}
	r.log = append(r.log, fmt.Sprintf("add %d", p.PID))
	r.now[p.PID] = p
	return nil
}

func (r *record) Remove(pid uint32) {
	if r.only != nil && !slices.Contains(r.only, pid) {
		return
	}
	r.log = append(r.log, fmt.Sprintf("remove %d", pid))
	delete(r.now, pid)
}

// take returns what was written down since the last time.
func (r *record) take() []string {
	log := r.log
	r.log = nil
	return log
}

// track returns a Tracker of a machine that was never run: the test itself is
// its goroutine.
func track(t testing.TB, m *procfstest.Machine, sink Sink, config Config) *Tracker {
	t.Helper()
	tracker, err := New(&config, sink, &Options{Root: m.Root, Self: 2})
	require.NoError(t, err)
	return tracker
}

// rules is the default configuration with rules.
func rules(include ...Rule) Config {
	config := NewConfig()
	config.Include = include
	return config
}

// get returns the value of a resource attribute.
func get(p *Process, key string) any {
	for _, attribute := range p.Resource {
		if attribute.Key == key {
			return attribute.Value
		}
	}
	return nil
}

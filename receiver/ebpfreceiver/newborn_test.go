package ebpfreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

func newTestNewborns(t *testing.T, limit int) (*newborns, *time.Time) {
	p, _, _ := newTestProcesses(10)
	described := process(7, 1)
	described.Resource[2].Key = "service.instance.id"
	require.NoError(t, p.Add(described))
	n := newNewborns(p.Resource, limit)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n.now = func() time.Time { return now }
	return n, &now
}

func TestAShortLivedProcessIsDescribedAfterItsParent(t *testing.T) {
	n, _ := newTestNewborns(t, 10)
	n.note(&event.Process{Change: event.Fork, PID: 8, Parent: 7, Comm: "postgres"})
	assert.Equal(t, map[string]any{
		"service.name": "shop", "process.pid": int64(8), "process.parent_pid": int64(7),
		"process.creation.time": "2026-01-02T03:04:05Z",
	}, n.Resource(8).Attributes().AsRaw())
	parent, _ := n.parents(7)
	assert.EqualValues(t, 7, parent.Attributes().AsRaw()["process.pid"], "the parent's own is untouched")
}

func TestAProgramOfItsOwnIsNotLikeItsParent(t *testing.T) {
	n, _ := newTestNewborns(t, 10)
	n.note(&event.Process{Change: event.Fork, PID: 8, Parent: 7, Comm: "sh"})
	n.note(&event.Process{Change: event.Exec, PID: 8, Comm: "curl"})
	n.note(&event.Process{Change: event.Exec, PID: 99, Comm: "other"}) // nobody's child
	assert.Equal(t, map[string]any{
		"service.name": "unknown_service:curl", "process.pid": int64(8), "process.creation.time": "2026-01-02T03:04:05Z",
	}, n.Resource(8).Attributes().AsRaw())
	assert.Equal(t, map[string]any{"service.name": "unknown_service", "process.pid": int64(99)}, n.Resource(99).Attributes().AsRaw())
}

func TestAChildOfAStrangerHasItsNameAlone(t *testing.T) {
	n, _ := newTestNewborns(t, 10)
	n.note(&event.Process{Change: event.Fork, PID: 8, Parent: 6, Comm: "sh"})
	assert.Equal(t, "unknown_service:sh", n.Resource(8).Attributes().AsRaw()["service.name"])
}

func TestNewbornsAreBounded(t *testing.T) {
	n, now := newTestNewborns(t, 3)
	for pid := range uint32(100) {
		n.note(&event.Process{Change: event.Fork, PID: 100 + pid, Parent: 7})
	}
	assert.Len(t, n.known, 3)
	assert.Len(t, n.order, 3)
	n.note(&event.Process{Change: event.Fork, PID: 199, Parent: 7})
	assert.Len(t, n.order, 3, "a number that is used again")
	*now = now.Add(gone + time.Second)
	n.note(&event.Process{Change: event.Fork, PID: 300, Parent: 7})
	assert.Len(t, n.known, 1)
	n.note(&event.Process{Change: event.Exit, PID: 300})
	assert.Len(t, n.known, 1, "its spans are still under way")
}

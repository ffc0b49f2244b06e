package ebpfreceiver

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// marks remembers what is a target.
type marks struct {
	targets map[uint32]probe.Target
	err     error
}

func (m *marks) SetTarget(pid uint32, t probe.Target) error {
	if m.err == nil {
		m.targets[pid] = t
	}
	return m.err
}

func (m *marks) ClearTarget(pid uint32) error {
	delete(m.targets, pid)
	return nil
}

func newTestProcesses(limit int) (*processes, *marks, *time.Time) {
	m := &marks{targets: map[uint32]probe.Target{}}
	p := newProcesses(m, limit)
	now := time.Unix(1000, 0)
	p.now = func() time.Time { return now }
	return p, m, &now
}

func process(pid uint32, start uint64) *target.Process {
	return &target.Process{PID: pid, Start: start, GoidOffset: 152, GoidParentOffset: 280, Resource: []target.Attribute{
		{Key: "service.name", Value: "shop"}, {Key: "process.pid", Value: int64(pid)}, {Key: "args", Value: []string{"a", "b"}},
	}}
}

func TestAProcessIsMarkedAndDescribed(t *testing.T) {
	p, m, _ := newTestProcesses(10)
	_, known := p.Resource(7)
	assert.False(t, known)
	require.NoError(t, p.Add(process(7, 1)))
	assert.Equal(t, probe.Target{GoidOffset: 152, GoidParentOffset: 280}, m.targets[7])
	r, known := p.Resource(7)
	assert.True(t, known)
	assert.Equal(t, map[string]any{"service.name": "shop", "process.pid": int64(7), "args": []any{"a", "b"}}, r.Attributes().AsRaw())
}

func TestADescriptionOutlivesItsProcess(t *testing.T) {
	p, m, now := newTestProcesses(10)
	require.NoError(t, p.Add(process(7, 1)))
	p.Remove(7)
	assert.Empty(t, m.targets)
	*now = now.Add(gone - 1)
	require.NoError(t, p.Add(process(8, 1)))
	_, known := p.Resource(7)
	assert.True(t, known)
	*now = now.Add(1)
	require.NoError(t, p.Add(process(8, 1)))
	_, known = p.Resource(7)
	assert.False(t, known)
	p.Remove(99) // never added
}

func TestANumberThatIsUsedAgain(t *testing.T) {
	p, _, now := newTestProcesses(10)
	require.NoError(t, p.Add(process(7, 1)))
	p.Remove(7)
	require.NoError(t, p.Add(process(7, 2)))
	*now = now.Add(2 * gone)
	require.NoError(t, p.Add(process(8, 1)))
	_, known := p.Resource(7)
	assert.True(t, known, "the description is that of the new process")
}

func TestDescriptionsAreBounded(t *testing.T) {
	p, _, _ := newTestProcesses(3)
	for pid := range uint32(100) {
		require.NoError(t, p.Add(process(pid, 1)))
		p.Remove(pid)
	}
	assert.LessOrEqual(t, len(p.known), 4)
	_, known := p.Resource(99)
	assert.True(t, known)
}

func TestAProcessThatCannotBeMarked(t *testing.T) {
	p, m, _ := newTestProcesses(3)
	m.err = errors.New("no such process")
	assert.ErrorIs(t, p.Add(process(7, 1)), m.err)
}

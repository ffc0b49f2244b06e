package overhead

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARangeIsTheMedianAndTheExtremes(t *testing.T) {
	assert.Equal(t, Range{}, rangeOf(nil))
	assert.Equal(t, Range{3, 3, 3}, rangeOf([]float64{3}))
	assert.Equal(t, Range{2, 1, 9}, rangeOf([]float64{9, 1, 2}))
	assert.Equal(t, Range{2.5, 1, 9}, rangeOf([]float64{9, 1, 2, 3}))
}

func turn(arm Arm, rate int, target, collector time.Duration) Turn {
	return Turn{
		Arm: arm, Target: target, Collector: collector,
		Load:    Sample{Requests: uint64(rate), Elapsed: time.Second, P50: time.Second / time.Duration(rate), P99: time.Millisecond},
		Traffic: Traffic{Spans: 1, Records: 2, Bytes: 300}, Memory: 100 << 20, Kernel: 10 << 20,
	}
}

func turns() []Turn {
	us := time.Microsecond
	return []Turn{
		turn(Traced, 900, 12*us, 20*us), turn(Off, 1000, 10*us, 0),
		turn(Off, 2000, 5*us, 0), turn(Traced, 1600, 8*us, 16*us), // a machine twice as fast
		turn(Traced, 850, 13*us, 24*us), turn(Off, 1000, 10*us, 0),
	}
}

func TestTurnsAreComparedWithTheirOwnBaseline(t *testing.T) {
	r := summarize(Workload{Name: "w", About: "a"}, turns())
	require.Len(t, r.Arms, 2)
	assert.Equal(t, Off, r.Arms[0].Arm)
	assert.Equal(t, 3, r.Turns)
	got := r.Arms[1]
	assert.Equal(t, Range{0.85, 0.8, 0.9}, got.Kept)
	assert.InDelta(t, 1/0.85, got.P50.Median, 1e-6)
	assert.Equal(t, Range{1, 1, 1}, got.P99)
	assert.Equal(t, Range{3, 2, 3}, got.Added)
	assert.Equal(t, Range{20, 16, 24}, got.Collector)
	assert.Equal(t, 2.0, got.Records)
	assert.Equal(t, 100.0, got.Memory)
	assert.Equal(t, 10.0, got.Kernel)
}

func TestTrafficIsCountedPerRequest(t *testing.T) {
	before := traffic(map[string]float64{own + "kernel_records": 10})
	after := traffic(map[string]float64{
		own + "kernel_records": 210, own + "kernel_bytes": 30000, "otelcol_receiver_accepted_spans": 95,
		own + "exchanges_dropped{cause=one_sided}": 1, own + "events_dropped{cause=queue_full_io}": 1,
		own + "exchanges_dropped": 1, own + "events_dropped": 1, // sums
		"otelcol_receiver_refused_spans{receiver=ebpf}": 0,
		own + "kernel_losses":                           1000, // the sum, of which not all is lost
		own + "kernel_losses{cause=ring_full_io}":       3,
		own + "kernel_losses{cause=payload_fault}":      997,
	})
	got := after.per(before, 100)
	assert.Equal(t, Traffic{Spans: 0.95, Records: 2, Bytes: 300, Losses: map[string]float64{
		"one_sided": 0.01, "queue_full_io": 0.01, "ring_full_io": 0.03,
	}}, got)
	assert.InDelta(t, 0.05, got.Lost(), 1e-9)
}

func TestWhereDividesByRequests(t *testing.T) {
	load := turn(Traced, 1000, 0, 20*time.Microsecond)
	w := newWhere(
		[]Hook{{Name: "sys_exit", Runs: 5000, Time: 2 * time.Millisecond}, {Name: "idle"}},
		[]Stage{{"stitch", 0.5}, {stageExport, 0.3}, {stageGC, 0.2}}, &load)
	assert.Equal(t, []HookCost{{Name: "sys_exit", PerRun: 400, Runs: 5, Request: 2}}, w.Hooks)
	assert.Equal(t, 2.0, w.Kernel)
	assert.Equal(t, StageCost{"stitch", 0.5, 10}, w.Stages[0])
	assert.Equal(t, 20.0, w.User)
	assert.InDelta(t, 14, w.Own, 1e-9)
}

func TestTheTableSaysEverything(t *testing.T) {
	r := summarize(Workload{Name: "go-empty-64"}, turns())
	load := turn(Traced, 1000, 0, 20*time.Microsecond)
	r.Where = newWhere([]Hook{{Name: "sys_exit", Runs: 5000, Time: 2 * time.Millisecond}}, []Stage{{"stitch", 1}}, &load)
	var out strings.Builder
	require.NoError(t, Print(&out, []*Result{r}))
	lines := strings.Split(out.String(), "\n")
	assert.Equal(t, strings.Fields("go-empty-64 off 3 1000 10.0"), strings.Fields(lines[2]))
	assert.Equal(t, strings.Fields("go-empty-64 traced 3 900 85 (80, 90) 1.18 1.00 12.0 +3.0 20.0 1.00 2.00 300 0.00 100 10.0"), strings.Fields(lines[3]))
	for _, want := range []string{"sys_exit 400 5.00 2.00", "stitch 100 20.00", "kernel, whole machine 2.00", "without export 20.00"} {
		assert.Contains(t, strings.Join(strings.Fields(out.String()), " "), want)
	}
}

package rig

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Counters are the Collector's own metrics at one time.
type Counters map[string]float64

// prefix is what the Collector puts before the names of its metrics.
const prefix = "otelcol_"

// Counters reads the Collector's own metrics.
func (r *Rig) Counters(t testing.TB) Counters {
	t.Helper()
	values, err := r.Metrics(t.Context())
	require.NoError(t, err, r.Log())
	return values
}

// Sum is the sum of a metric over all its attributes, by its name without
// "otelcol_"; zero if there is none.
func (c Counters) Sum(name string) int { return int(c[prefix+name]) }

// With is the sum of a metric over the sets of attributes that hold key=value.
func (c Counters) With(name, attribute string) int {
	sum := 0
	for labels, value := range c.sets(name) {
		for _, label := range strings.Split(labels, ",") {
			if label == attribute {
				sum += int(value)
			}
		}
	}
	return sum
}

// NonZero lists the sets of attributes for which a metric is not zero.
func (c Counters) NonZero(name string) map[string]int {
	out := map[string]int{}
	for labels, value := range c.sets(name) {
		if value != 0 {
			out[labels] = int(value)
		}
	}
	return out
}

func (c Counters) sets(name string) map[string]float64 {
	out := map[string]float64{}
	for key, value := range c {
		if labels, found := strings.CutPrefix(key, prefix+name+"{"); found {
			out[strings.TrimSuffix(labels, "}")] = value
		}
	}
	return out
}

// moving are the metrics that tell whether anything is still happening.
var moving = []string{
	"receiver_ebpf_kernel_records", "receiver_ebpf_events", "receiver_ebpf_exchanges", "receiver_accepted_spans",
	"processor_stitch_released_spans", "tailhook_spans_decided", "tailhook_delivered_spans", "exporter_sent_spans",
}

// quietReads is how many reads in a row, with a flush of the receiver between any
// two, must find nothing under way and nothing changed.
const quietReads = 4

// Settle waits until everything that the programs have done so far has come out
// of the pipeline: all is read that the kernel side has sent, no more than open
// requests wait for a reply, and no component holds a span.
func (r *Rig) Settle(t testing.TB, open int) Counters {
	t.Helper()
	deadline := time.Now().Add(patience)
	var last string
	for quiet := 0; ; {
		c := r.Counters(t)
		state := ""
		for _, name := range moving {
			state += fmt.Sprintf("%d ", c.Sum(name))
		}
		if state == last && c.idle(open) {
			quiet++
		} else {
			quiet = 0
		}
		if quiet == quietReads {
			return c
		}
		last = state
		require.True(t, time.Now().Before(deadline), "the Collector does not come to rest: %v\n%v", state, c.busy())
		time.Sleep(60 * time.Millisecond) // longer than flush_interval
	}
}

// held are the metrics that tell what is under way.
var held = []string{"processor_stitch_held_spans", "tailhook_held_traces", "tailhook_undelivered_bytes"}

func (c Counters) idle(open int) bool {
	for _, name := range held {
		if c.Sum(name) != 0 {
			return false
		}
	}
	return c.Sum("receiver_ebpf_exchanges_pending") <= open && c.read() == c.Sum("receiver_ebpf_kernel_records") &&
		c.decided() == c.delivered() // the hook publishes what it decided once a second
}

func (c Counters) busy() map[string]int {
	out := map[string]int{}
	for _, name := range append([]string{"receiver_ebpf_exchanges_pending"}, held...) {
		out[name] = c.Sum(name)
	}
	out["unread"] = c.Sum("receiver_ebpf_kernel_records") - c.read()
	out["undelivered"] = c.decided() - c.delivered()
	return out
}

// read is how many events the receiver has read.
func (c Counters) read() int {
	return c.Sum("receiver_ebpf_events") + c.Sum("receiver_ebpf_events_dropped")
}

// decided is how many spans the hook has sampled: every one, unless the test has
// policies of its own.
func (c Counters) decided() int {
	return c.With("tailhook_spans_decided", "decision=sampled") + c.With("tailhook_late_spans", "outcome=sampled")
}

// delivered is how many spans the hook has got rid of.
func (c Counters) delivered() int {
	return c.Sum("tailhook_delivered_spans") + c.Sum("tailhook_lost_spans")
}

// Balanced asserts that what one part has handed on is what the next has got,
// from the kernel side to the exporter's peer, losses that are counted included.
// received is how many spans the peer has got. It is for a Collector at rest.
func (c Counters) Balanced(t testing.TB, received int) {
	t.Helper()
	assert.Equal(t, c.Sum("receiver_ebpf_kernel_records"), c.read(), "records that the kernel side has sent and that were read")
	accepted := c.With("receiver_accepted_spans", "receiver=ebpf")
	// Every span goes to two pipelines; the receiver counts it once.
	assert.Equal(t, c.Sum("receiver_ebpf_exchanges"), accepted+c.Sum("receiver_ebpf_spans_dropped"), "exchanges and spans")
	in := c.Sum("receiver_accepted_spans")
	out := c.Sum("processor_stitch_released_spans") + c.Sum("processor_stitch_passed_spans") + c.Sum("processor_stitch_unidentified_spans")
	assert.Equal(t, in, out, "spans that the stitch processor took and let go")
	assert.Equal(t, out-c.Sum("processor_stitch_hidden_spans"), c.decided(), "spans that the hook took and decided")
	assert.Equal(t, c.decided(), c.delivered(), "spans that the hook kept and delivered")
	assert.Equal(t, c.Sum("tailhook_delivered_spans"), received, "spans that were delivered and received")
}

// losses are the metrics each of which counts something that went missing.
var losses = []string{
	"receiver_ebpf_connections_dropped", "receiver_ebpf_connections_unannounced", "receiver_ebpf_events_dropped",
	"receiver_ebpf_exchanges_dropped", "receiver_ebpf_late_spans", "receiver_ebpf_spans_dropped", "receiver_ebpf_stream_losses",
	"receiver_ebpf_thread_holes", "receiver_ebpf_threads_evicted", "receiver_ebpf_undescribed_batches",
	"receiver_refused_spans", "receiver_failed_spans", "processor_stitch_evictions", "processor_stitch_failed_spans",
	"processor_stitch_unidentified_spans", "processor_refused_spans", "tailhook_lost_spans", "tailhook_refused_spans",
	"tailhook_omitted_spans", "tailhook_policy_errors", "exporter_send_failed_spans", "exporter_enqueue_failed_spans",
}

// cuts are causes of receiver_ebpf_kernel_losses that lose no span and no byte: a
// thread that is woken again and again before its next I/O remembers some of the
// wakes; a wake within a wake is none of a program's; and now and then a socket
// changes its state in an interrupt, in the middle of another one's change. What
// that could hide, an end of a connection, is told once more when the socket goes.
var cuts = map[string]bool{"cause=handoffs": true, "cause=wake_recursion": true, "cause=recursion": true}

// forgotten are tables of what the stitch processor remembers of the past, which lose no
// span: the weakest of two dozen claims about a call, what an event loop has read long ago and
// done nothing about, which exchange of a connection is next.
var forgotten = []string{"claims", "loop_queues", "connections"}

// Losses lists every loss that was counted, by metric and cause.
func (c Counters) Losses() map[string]int {
	out := map[string]int{}
	for _, name := range losses {
		for labels, n := range c.NonZero(name) {
			out[name+"{"+labels+"}"] = n
		}
	}
	for _, table := range forgotten {
		delete(out, "processor_stitch_evictions{table="+table+"}")
	}
	for cause, n := range c.KernelLosses() {
		out["receiver_ebpf_kernel_losses{"+cause+"}"] = n
	}
	return out
}

// KernelLosses lists what the kernel side could not report, by cause.
func (c Counters) KernelLosses() map[string]int {
	out := c.NonZero("receiver_ebpf_kernel_losses")
	maps.DeleteFunc(out, func(cause string, _ int) bool { return cuts[cause] })
	return out
}

// Lossless asserts that nothing was lost anywhere.
func (c Counters) Lossless(t testing.TB) {
	t.Helper()
	assert.Empty(t, c.Losses())
}

package overhead

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Traffic is what a Collector made of the requests of a stretch.
type Traffic struct {
	Spans   float64            // handed to the pipeline
	Records float64            // put into the ring buffer
	Bytes   float64            // of those records
	Losses  map[string]float64 // records, events, exchanges and spans that were not kept, by cause
}

// own begins the names of the receiver's metrics.
const own = "otelcol_receiver_ebpf_"

// traffic takes a Traffic from the metrics of a Collector.
func traffic(m map[string]float64) Traffic {
	t := Traffic{
		Spans: m["otelcol_receiver_accepted_spans"], Records: m[own+"kernel_records"], Bytes: m[own+"kernel_bytes"],
		Losses: map[string]float64{},
	}
	for name, value := range m {
		if cause := lossCause(name); cause != "" {
			t.Losses[cause] += value
		}
	}
	return t
}

// lossCause returns the cause if a metric counts what was not kept, else nothing.
func lossCause(name string) string {
	family, label, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
	cause, ok := strings.CutPrefix(label, "cause=")
	switch family {
	case own + "kernel_losses":
		if ok && !harmless(cause) {
			return cause
		}
	case own + "events_dropped", own + "exchanges_dropped", own + "spans_dropped":
		if ok {
			return cause
		}
	case "otelcol_receiver_refused_spans", "otelcol_receiver_failed_spans":
		if label != "" {
			return strings.TrimPrefix(family, "otelcol_receiver_")
		}
	}
	return ""
}

// harmless says of a cause of loss in the kernel that the event came nevertheless.
func harmless(cause string) bool {
	switch cause {
	case "handoffs", "payload_fault", "payload_vectors", "wake_recursion", "compat_syscall", "stale_conn", "fd_table_full":
		return true
	}
	return false
}

// per returns what there was from before to t, by request.
func (t Traffic) per(before Traffic, requests uint64) Traffic {
	n := float64(max(requests, 1))
	out := Traffic{
		Spans: (t.Spans - before.Spans) / n, Records: (t.Records - before.Records) / n,
		Bytes: (t.Bytes - before.Bytes) / n, Losses: map[string]float64{},
	}
	for cause, count := range t.Losses {
		if count > before.Losses[cause] {
			out.Losses[cause] = (count - before.Losses[cause]) / n
		}
	}
	return out
}

// Lost is the sum of all losses.
func (t *Traffic) Lost() (sum float64) {
	for _, n := range t.Losses {
		sum += n
	}
	return sum
}

// Range is a median of turns with the extremes.
type Range struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// rangeOf returns the Range of values; zero for none. It sorts them.
func rangeOf(values []float64) Range {
	n := len(values)
	if n == 0 {
		return Range{}
	}
	slices.Sort(values)
	return Range{Median: (values[(n-1)/2] + values[n/2]) / 2, Min: values[0], Max: values[n-1]}
}

// Summary is what an arm cost. Ratios are to the arm Off in the same turn; times
// are microseconds of processor per request.
type Summary struct {
	Arm       Arm     `json:"arm"`
	Rate      Range   `json:"requests_per_second"`
	Kept      Range   `json:"throughput_ratio"`
	P50       Range   `json:"p50_ratio"`
	P99       Range   `json:"p99_ratio"`
	Target    Range   `json:"target_us_per_request"`
	Added     Range   `json:"target_added_us_per_request"`
	Collector Range   `json:"collector_us_per_request"`
	Spans     float64 `json:"spans_per_request"`
	Records   float64 `json:"records_per_request"`
	Bytes     float64 `json:"record_bytes_per_request"`
	Lost      float64 `json:"lost_per_request"`
	// Losses are those of the turn that lost most, per request.
	Losses map[string]float64 `json:"losses,omitempty"`
	Memory float64            `json:"collector_peak_mib"`
	Kernel float64            `json:"kernel_mib"`
}

// Result is what a workload came to.
type Result struct {
	Workload string    `json:"workload"`
	About    string    `json:"about"`
	Turns    int       `json:"turns"`
	Arms     []Summary `json:"arms"`
	Change   *Change   `json:"change,omitempty"` // if there is an arm Earlier
	Where    *Where    `json:"where,omitempty"`
}

// Change is the arm Traced as ratios to Earlier in the same turn.
type Change struct {
	Rate      Range `json:"throughput_ratio"`
	Target    Range `json:"target_cpu_ratio"`
	Collector Range `json:"collector_cpu_ratio"`
}

// summarize takes the median over the turns.
func summarize(w Workload, turns []Turn) *Result {
	r := &Result{Workload: w.Name, About: w.About}
	var arms []Arm
	by := map[Arm][]Turn{}
	for _, t := range turns {
		if by[t.Arm] == nil {
			arms = append(arms, t.Arm)
		}
		by[t.Arm] = append(by[t.Arm], t)
	}
	slices.SortFunc(arms, func(a, b Arm) int { return cmp.Compare(slices.Index(Arms(), a), slices.Index(Arms(), b)) })
	r.Turns = len(by[Off])
	for _, arm := range arms {
		r.Arms = append(r.Arms, summary(arm, by[arm], by[Off]))
	}
	if len(by[Earlier]) > 0 && len(by[Traced]) > 0 {
		r.Change = change(by[Traced], by[Earlier])
	}
	return r
}

func change(now, earlier []Turn) *Change {
	ratios := func(value func(*Turn) float64) Range {
		var values []float64
		for i := range now {
			values = append(values, ratio(value(&now[i]), value(&earlier[i])))
		}
		return rangeOf(values)
	}
	return &Change{
		Rate:      ratios(func(t *Turn) float64 { return t.Load.Rate() }),
		Target:    ratios(func(t *Turn) float64 { return micros(t.Target) }),
		Collector: ratios(func(t *Turn) float64 { return micros(t.Collector) }),
	}
}

// summary compares the turns of an arm with those without a Collector.
func summary(arm Arm, turns, off []Turn) Summary {
	each := func(value func(t, off *Turn) float64) Range {
		var values []float64
		for i := range turns {
			values = append(values, value(&turns[i], &off[i]))
		}
		return rangeOf(values)
	}
	median := func(value func(*Turn) float64) float64 {
		return each(func(t, _ *Turn) float64 { return value(t) }).Median
	}
	worst := slices.MaxFunc(turns, func(a, b Turn) int { return cmp.Compare(a.Traffic.Lost(), b.Traffic.Lost()) })
	return Summary{
		Arm:       arm,
		Rate:      each(func(t, _ *Turn) float64 { return t.Load.Rate() }),
		Kept:      each(func(t, off *Turn) float64 { return ratio(t.Load.Rate(), off.Load.Rate()) }),
		P50:       each(func(t, off *Turn) float64 { return ratio(t.Load.P50.Seconds(), off.Load.P50.Seconds()) }),
		P99:       each(func(t, off *Turn) float64 { return ratio(t.Load.P99.Seconds(), off.Load.P99.Seconds()) }),
		Target:    each(func(t, _ *Turn) float64 { return micros(t.Target) }),
		Added:     each(func(t, off *Turn) float64 { return micros(t.Target - off.Target) }),
		Collector: each(func(t, _ *Turn) float64 { return micros(t.Collector) }),
		Spans:     median(func(t *Turn) float64 { return t.Traffic.Spans }),
		Records:   median(func(t *Turn) float64 { return t.Traffic.Records }),
		Bytes:     median(func(t *Turn) float64 { return t.Traffic.Bytes }),
		Lost:      median(func(t *Turn) float64 { return t.Traffic.Lost() }),
		Losses:    worst.Traffic.Losses,
		Memory:    median(func(t *Turn) float64 { return mib(t.Memory) }),
		Kernel:    median(func(t *Turn) float64 { return mib(t.Kernel) }),
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

func mib(bytes uint64) float64 { return float64(bytes) / (1 << 20) }

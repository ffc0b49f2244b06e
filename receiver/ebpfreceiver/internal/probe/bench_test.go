package probe

import (
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkHooks reports, for a process that plays both ends of a keep-alive
// connection (4 I/O system calls a request), what each program costs per run,
// and per request in events, bytes and time. Statistics add about 30 ns a run.
func BenchmarkHooks(b *testing.B) {
	for _, payload := range []string{"100", "2000"} {
		b.Run("payload="+payload, func(b *testing.B) {
			closer, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
			require.NoError(b, err)
			defer closer.Close()
			s := newStage(b, nil)
			s.recorder.discard = true
			b.Setenv("PROBE_TEST_REQUESTS", fmt.Sprint(b.N))
			b.Setenv("PROBE_TEST_PAYLOAD", payload)
			before, err := s.Costs()
			require.NoError(b, err)
			s.trace("echo", Target{}, nil)
			after, err := s.Costs()
			require.NoError(b, err)
			total := 0.0
			for i, cost := range after {
				runs, spent := cost.Runs-before[i].Runs, cost.Time-before[i].Time
				if runs > 0 {
					b.ReportMetric(float64(spent.Nanoseconds())/float64(runs), "ns/"+cost.Name)
				}
				total += float64(spent.Nanoseconds())
			}
			counters, err := s.Counters()
			require.NoError(b, err)
			b.ReportMetric(total/float64(b.N), "bpf-ns/req")
			b.ReportMetric(float64(counters[RecordsIO])/float64(b.N), "events/req")
			b.ReportMetric(float64(counters[RecordBytes])/float64(b.N), "bytes/req")
			b.ReportMetric(float64(counters[LostRingIO]), "lost")
		})
	}
}

// BenchmarkCalls reports what a system call takes without tracing, beside it (the
// programs are attached and trace others) and traced, as a Go program and as
// another. It is the time of the fastest batch, so other load hardly matters.
func BenchmarkCalls(b *testing.B) {
	for b.Loop() {
		off := playCalls(b, start(b, "calls"))
		reportCalls(b, "off", &callCosts{}, &off)
		s := newStage(b, nil)
		s.recorder.discard = true
		beside := playCalls(b, start(b, "calls"))
		reportCalls(b, "beside", &off, &beside)
		for name, target := range map[string]Target{"traced": {}, "traced-go": {GoidOffset: 152, GoidParentOffset: 280}} {
			a := start(b, "calls")
			require.NoError(b, s.SetTarget(a.pid, target))
			traced := playCalls(b, a)
			reportCalls(b, name, &off, &traced)
		}
	}
}

func playCalls(b *testing.B, a *actor) (costs callCosts) {
	a.play(&costs)
	return costs
}

// reportCalls reports costs above base.
func reportCalls(b *testing.B, name string, base, costs *callCosts) {
	b.ReportMetric(costs.Getppid-base.Getppid, name+"-ns/getppid")
	b.ReportMetric(costs.Again-base.Again, name+"-ns/eagain")
	b.ReportMetric(costs.Read-base.Read, name+"-ns/read")
	b.ReportMetric(costs.Write-base.Write, name+"-ns/write")
}

// BenchmarkKernelMemory reports the kernel memory at the default options.
func BenchmarkKernelMemory(b *testing.B) {
	s := newStage(b, nil)
	for b.Loop() {
		memory, err := s.Memory()
		require.NoError(b, err)
		total := uint64(0)
		for _, n := range memory {
			total += n
		}
		b.ReportMetric(float64(total)/(1<<20), "MiB")
		require.Less(b, total, uint64(32<<20), "%v", memory)
	}
}

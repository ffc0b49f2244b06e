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

package probe

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// ProgramCost is what one program has cost since the statistics were enabled.
type ProgramCost struct {
	Name string
	Runs uint64
	Time time.Duration // in all runs together
}

// Costs returns the cost of every program. The kernel only counts while its BPF
// run-time statistics are enabled (ebpf.EnableStats), which themselves add some
// 30 ns to each run.
func (p *Probe) Costs() ([]ProgramCost, error) {
	var out []ProgramCost
	for _, program := range p.programs() {
		info, err := program.Info()
		if err != nil {
			return nil, fmt.Errorf("read the cost of %s: %w", program, err)
		}
		stats, err := program.Stats()
		if err != nil {
			return nil, fmt.Errorf("read the cost of %s: %w", program, err)
		}
		out = append(out, ProgramCost{Name: info.Name, Runs: stats.RunCount, Time: stats.Runtime})
	}
	return out, nil
}

// Memory returns the bytes of kernel memory that each map takes, by map name.
// Task storage grows with the threads of the targets and is counted as the
// kernel reports it.
func (p *Probe) Memory() (map[string]uint64, error) {
	o := &p.objects
	out := map[string]uint64{}
	for name, m := range map[string]*ebpf.Map{
		"records": o.Records, "conns": o.Conns, "counters": o.CaptureMaps.Counters, "targets": o.Targets,
		"threads": o.Threads, "wake_fds": o.WakeFds, "io_scratch": o.IoScratch, "no_contexts": o.NoContexts,
	} {
		n, err := memlock(m)
		if err != nil {
			return nil, fmt.Errorf("read the memory of map %s: %w", name, err)
		}
		out[name] = n
	}
	return out, nil
}

// memlock is what the kernel accounts for a map (fdinfo, field memlock).
func memlock(m *ebpf.Map) (uint64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/self/fdinfo/%d", m.FD()))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "memlock:"); ok {
			var n uint64
			_, err := fmt.Sscan(value, &n)
			return n, err
		}
	}
	return 0, fmt.Errorf("no memlock field")
}

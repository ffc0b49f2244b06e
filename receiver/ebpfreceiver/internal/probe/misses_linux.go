package probe

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
)

// preemptible reports whether this kernel can preempt a program, and then skip it
// for whatever else runs on that CPU. Hooks of system calls are attached twice
// there: see AGAIN in bpf/compat.h.
func preemptible() (bool, error) {
	const since = 7 << 16 // Linux 7.0
	version, err := features.LinuxVersionCode()
	if err != nil {
		return false, fmt.Errorf("read the version of the kernel: %w", err)
	}
	return version >= since, nil
}

// addMisses adds the runs that the kernel skipped to LostRecursion and
// CutRecursion. Of a hook that is attached twice something was lost at most as
// often as the one that was skipped less.
func (p *Probe) addMisses(sums *[NumCounters]uint64) error {
	o := &p.objects
	second := map[*ebpf.Program]*ebpf.Program{}
	if p.twice {
		second = map[*ebpf.Program]*ebpf.Program{o.SysEnter: o.SysEnterAgain, o.SysExit: o.SysExitAgain}
	}
	for program, to := range map[*ebpf.Program]Counter{
		o.SysExit: LostRecursion, o.SchedProcessFork: LostRecursion, o.SchedProcessExec: LostRecursion,
		o.SchedProcessExit: LostRecursion, o.InetSockSetState: LostRecursion,
		o.TcpDestroySock: LostRecursion, o.TcpRetransmitSkb: LostRecursion,
		o.SysEnter: CutRecursion, o.SchedWaking: CutRecursion,
	} {
		n, err := misses(program, second[program])
		if err != nil {
			return err
		}
		sums[to] += n
	}
	return nil
}

// misses is how often every one of the programs, nil aside, was skipped at most.
func misses(programs ...*ebpf.Program) (uint64, error) {
	least := ^uint64(0)
	for _, program := range programs {
		if program == nil {
			continue
		}
		stats, err := program.Stats()
		if err != nil {
			return 0, fmt.Errorf("read the statistics of %s: %w", program, err)
		}
		least = min(least, stats.RecursionMisses)
	}
	return least, nil
}

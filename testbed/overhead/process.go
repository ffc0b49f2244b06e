package overhead

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/scenario"
)

// tick is the unit of times in /proc/<pid>/stat: USER_HZ, 100 on all of Linux.
const tick = 10 * time.Millisecond

// processCPU returns the processor time of all threads of a process, those that
// have ended included, to the tick. The sum of the two is exact: the kernel
// splits what the scheduler measured.
func processCPU(proc string, pid int) (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, err
	}
	// The name, in parentheses, may hold anything.
	_, rest, _ := strings.Cut(string(text[max(bytes.LastIndexByte(text, ')'), 0):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("stat of process %d: %d fields", pid, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("stat of process %d: %w", pid, err)
	}
	return time.Duration(user+system) * tick, nil
}

// cgroupCPU returns the processor time of everything that has run in a cgroup.
func cgroupCPU(dir string) (time.Duration, error) {
	usage, err := field(filepath.Join(dir, "cpu.stat"), "usage_usec ")
	return time.Duration(usage) * time.Microsecond, err
}

// targetCPU returns the processor time of the targets: of their cgroups where
// there are some, else of the processes that there are now.
func targetCPU(live *scenario.Live) (time.Duration, error) {
	var sum time.Duration
	for _, t := range live.Targets() {
		if t.Cgroup != "" {
			cpu, err := cgroupCPU(t.Cgroup)
			if err != nil {
				return 0, err
			}
			sum += cpu
			continue
		}
		for _, pid := range t.PIDs {
			cpu, err := processCPU("/proc", pid)
			if err != nil {
				return 0, err
			}
			sum += cpu
		}
	}
	return sum, nil
}

// peakMemory returns the most memory that a process has had resident, in bytes.
func peakMemory(proc string, pid int) (uint64, error) {
	kib, err := field(filepath.Join(proc, strconv.Itoa(pid), "status"), "VmHWM:")
	return kib << 10, err
}

// field returns the number after name, which begins a line of a file.
func field(path, name string) (uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name); ok {
			number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
			return strconv.ParseUint(number, 10, 64)
		}
	}
	return 0, fmt.Errorf("%s: no line %q", path, name)
}

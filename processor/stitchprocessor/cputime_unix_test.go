//go:build unix

package stitchprocessor

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process has used. A benchmark on a machine
// that does other work, too, is only worth something by this measure.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

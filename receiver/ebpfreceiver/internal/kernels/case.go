package kernels

import (
	"fmt"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

// Case is one combination of what can be set before the programs are loaded.
type Case struct {
	CaptureSize uint32 // payload bytes per message
	RingSize    uint32 // bytes
	Limits      uint32 // MaxConnections and MaxThreads
	NoHandoffs  bool
	OnlyTargets bool
}

// Options are c as the probe takes it.
func (c Case) Options() *probe.Options {
	return &probe.Options{
		CaptureSize: c.CaptureSize, RingSize: c.RingSize, MaxConnections: c.Limits, MaxThreads: c.Limits,
		NoHandoffs: c.NoHandoffs, OnlyTargets: c.OnlyTargets,
	}
}

// String names the case in a table.
func (c Case) String() string {
	word := func(b bool, yes, no string) string {
		if b {
			return yes
		}
		return no
	}
	return fmt.Sprintf("capture %4d, ring %4d KiB, limits %5d, handoffs %s, watch %s",
		c.CaptureSize, c.RingSize>>10, c.Limits, word(c.NoHandoffs, "off", "on "), word(c.OnlyTargets, "targets", "all    "))
}

// Cases are all combinations: the least and the most of each size, both values
// of each switch.
func Cases() []Case {
	var out []Case
	for _, capture := range []uint32{64, probe.CaptureMax} {
		for _, ring := range []uint32{256 << 10, 8 << 20} {
			for _, limits := range []uint32{64, 65536} {
				for _, noHandoffs := range []bool{false, true} {
					for _, onlyTargets := range []bool{false, true} {
						out = append(out, Case{capture, ring, limits, noHandoffs, onlyTargets})
					}
				}
			}
		}
	}
	return out
}

//go:build !linux

package ebpfreceiver

import (
	"fmt"
	"runtime"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

// thisMachine cannot be traced.
func thisMachine() machine {
	return machine{open: func(*probe.Options) (kernel, error) {
		return nil, fmt.Errorf("the ebpf receiver needs Linux (5.15 or newer); this is %s: remove it from the pipelines here", runtime.GOOS)
	}}
}

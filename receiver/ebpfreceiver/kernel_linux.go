package ebpfreceiver

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target"
)

// thisMachine is the real one.
func thisMachine() machine {
	return machine{open: openProbe, track: trackProcesses, own: newOwnPeers}
}

func openProbe(o *probe.Options) (kernel, error) {
	first, err := target.HostProcesses()
	if err != nil {
		return nil, fmt.Errorf("look at the process namespace: %w", err)
	}
	if !first {
		return nil, errors.New("the Collector runs in a process namespace of its own and cannot see the processes it should trace: share the host's (docker run --pid=host, hostPID: true in Kubernetes)")
	}
	p, err := probe.New(o)
	if err != nil {
		return nil, err // not p: a nil *Probe in the interface would be closed
	}
	return p, nil
}

func trackProcesses(c *target.Config, sink target.Sink) (tracker, *target.Host, listening, error) {
	t, err := target.New(c, sink, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	return t, t.Host(), t.IsListening, nil
}

func newOwnPeers() (ownPeers, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &st); err != nil {
		return nil, fmt.Errorf("look at the network namespace: %w", err)
	}
	return target.NewOwnPeers(uint32(st.Ino))
}

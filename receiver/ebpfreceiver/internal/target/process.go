package target

import (
	"os"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/resource"
)

// Process describes a process at one moment of its life.
type Process = resource.Process

// Attribute is a resource attribute of a Process.
type Attribute = resource.Attribute

// Host is what the processes of a machine have in common.
type Host = resource.Host

// HostProcesses reports whether the ids of processes that this process sees are
// those that the kernel's probes see: whether it runs in the first process
// namespace. Otherwise nothing can be traced (a container needs the host's).
func HostProcesses() (bool, error) {
	const first = "pid:[4026531836]" // PROC_PID_INIT_INO of linux/proc_ns.h
	link, err := os.Readlink("/proc/self/ns/pid")
	return link == first, err
}

package resource

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/naming"
)

// Process describes a process at one moment of its life. It is immutable: a
// change gives a new one, and whoever has one may keep it.
type Process struct {
	PID    uint32
	Parent uint32
	// Start is the creation in clock ticks since boot. With PID it is the identity
	// of the process while the machine runs.
	Start   uint64
	Created time.Time
	NetNS   uint32 // inode number of the network namespace

	Service    string // service.name of the resource
	Executable string // path in the process's own mount namespace

	ContainerID string
	PodUID      string
	Unit        string // systemd service

	Runtime naming.Runtime
	// GoidOffset and GoidParentOffset are what struct target of bpf/abi.h takes:
	// bytes from the start of runtime.g, 0 where not known.
	GoidOffset, GoidParentOffset uint32

	// Resource are the attributes of the process's OpenTelemetry resource, each
	// key once, service.name first.
	Resource []Attribute
}

// Attribute is a resource attribute. Value is a string, an int64 or a []string.
type Attribute struct {
	Key   string
	Value any
}

// attributes is an ordered set of attributes.
type attributes []Attribute

// set adds an attribute or replaces its value. Empty strings are left out, and
// what is no UTF-8, which OTLP cannot carry, is replaced.
func (a *attributes) set(key string, value any) {
	switch text := value.(type) {
	case string:
		if value = strings.ToValidUTF8(text, "\uFFFD"); text == "" {
			return
		}
	case []string:
		texts := make([]string, len(text))
		for i := range text {
			texts[i] = strings.ToValidUTF8(text[i], "\uFFFD")
		}
		value = texts
	}
	for i := range *a {
		if (*a)[i].Key == key {
			(*a)[i].Value = value
			return
		}
	}
	*a = append(*a, Attribute{key, value})
}

// Fork returns the description of a process that p forked and that has not run
// another program since: all but its own identity is the same.
func (host *Host) Fork(p *Process, pid uint32, start uint64) *Process {
	child := *p
	child.PID, child.Parent, child.Start, child.Created = pid, p.PID, start, host.Created(start)
	resource := append(attributes(nil), p.Resource...)
	given := host.instanceID(p.PID, p.Start)
	for i := range resource {
		if resource[i].Key == "service.instance.id" && resource[i].Value == given {
			resource[i].Value = host.instanceID(pid, start)
		}
	}
	resource.set("process.pid", int64(pid))
	resource.set("process.parent_pid", int64(p.PID))
	resource.set("process.creation.time", child.Created.Format(time.RFC3339Nano))
	child.Resource = resource
	return &child
}

// instanceNamespace is the UUID that the semantic conventions of
// service.instance.id name for ids that are derived from something stable.
//
//nolint:gochecknoglobals // a constant
var instanceNamespace = [16]byte{0x4d, 0x63, 0x00, 0x9a, 0x8d, 0x0f, 0x11, 0xee, 0xaa, 0xd7, 0x4c, 0x79, 0x6e, 0xd8, 0xe3, 0x20}

// instanceID returns service.instance.id: a version 5 UUID (RFC 9562, 5.5) of the
// host, its boot and the identity of the process. It is the same for the life
// of the process, whoever computes it.
func (h *Host) instanceID(pid uint32, start uint64) string {
	sum := sha1.New()
	sum.Write(instanceNamespace[:])
	fmt.Fprintf(sum, "%s:%s:%d:%d", h.ID, h.BootID, pid, start)
	id := sum.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

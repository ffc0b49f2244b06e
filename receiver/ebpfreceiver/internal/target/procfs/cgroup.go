package procfs

import (
	"hash/fnv"
	"strings"
)

// Cgroup is the place of a process in one hierarchy of control groups.
type Cgroup struct {
	// Controllers is what the hierarchy controls, "name=systemd" for one that
	// only names; empty for the unified hierarchy of version 2.
	Controllers string
	Path        string // as seen from the reader's cgroup namespace
}

// Cgroups returns the control groups of a process, and a hash of them that
// changes when the process is moved.
func (r *Reader) Cgroups(pid uint32) ([]Cgroup, uint64, error) {
	data, err := r.read(pid, "cgroup", cgroupLimit)
	if err != nil {
		return nil, 0, err
	}
	return ParseCgroups(string(data)), hash(data), nil
}

// CgroupHash returns the hash of Cgroups without parsing them.
func (r *Reader) CgroupHash(pid uint32) (uint64, error) {
	data, err := r.read(pid, "cgroup", cgroupLimit)
	if err != nil {
		return 0, err
	}
	return hash(data), nil
}

func hash(data []byte) uint64 {
	h := fnv.New64a()
	h.Write(data)
	return h.Sum64()
}

// ParseCgroups parses lines of the form "id:controllers:path" (cgroups(7)). A
// path may hold colons. Lines of another form are left out.
func ParseCgroups(data string) []Cgroup {
	var groups []Cgroup
	for line := range strings.SplitSeq(data, "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) == 3 && strings.HasPrefix(parts[2], "/") {
			groups = append(groups, Cgroup{Controllers: parts[1], Path: parts[2]})
		}
	}
	return groups
}

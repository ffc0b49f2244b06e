package container

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/procfs"
)

// Place is where a process runs; what is not known is empty.
type Place struct {
	ContainerID string // full id of the innermost container
	// ContainerName is the name of a system container (LXC, systemd-nspawn),
	// which is part of its path and which has no id.
	ContainerName string
	PodUID        string // Kubernetes, in the usual form with dashes
	Unit          string // systemd service, as "nginx.service", unescaped
}

// Locate reads the place of a process from its control groups.
//
// Known forms of the path: docker, nerdctl, containerd and CRI-O (both drivers,
// cgroupfs and systemd), podman, ECS and Fargate, kubepods with and without
// quality-of-service classes, LXC, systemd-nspawn, one inside the other. The
// last one of a path is the place of the process.
func Locate(groups []procfs.Cgroup) Place {
	groups = slices.Clone(groups)
	slices.SortStableFunc(groups, func(a, b procfs.Cgroup) int {
		return cmp.Compare(rank(a.Controllers), rank(b.Controllers))
	})
	var place Place
	for _, group := range groups {
		found := locate(group.Path)
		if rank(group.Controllers) == ranks {
			found.Unit = "" // only systemd's own hierarchies have units
		}
		place = Place{
			ContainerID:   cmp.Or(place.ContainerID, found.ContainerID),
			ContainerName: cmp.Or(place.ContainerName, found.ContainerName),
			PodUID:        cmp.Or(place.PodUID, found.PodUID),
			Unit:          cmp.Or(place.Unit, found.Unit),
		}
	}
	if place.ContainerID != "" {
		place.ContainerName = ""
	}
	return place
}

const ranks = 2

// rank orders hierarchies by how much they tell.
func rank(controllers string) int {
	switch controllers {
	case "name=systemd":
		return 0
	case "":
		return 1
	}
	return ranks
}

func locate(path string) Place {
	var place Place
	parent := ""
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == ':' }) {
		switch name := unescape(part); {
		case containerID(parent, name) != "":
			place.ContainerID, place.ContainerName, place.Unit = containerID(parent, name), "", ""
		case systemContainer(parent, name) != "":
			place.ContainerName, place.ContainerID, place.Unit = systemContainer(parent, name), "", ""
		case podUID(name) != "":
			place.PodUID = podUID(name)
		case isService(name):
			place.Unit = name
		}
		parent = part
	}
	return place
}

// containerID returns the id that a part of a path names, below parent.
func containerID(parent, name string) string {
	name = strings.TrimSuffix(name, ".scope")
	if strings.Contains(name, "conmon") {
		return "" // the monitor of a container, which runs outside
	}
	if last := name[strings.LastIndexByte(name, '-')+1:]; isHex(last, 64) {
		return last
	}
	task, number, ok := strings.Cut(name, "-") // Fargate: task and a number
	if ok && isHex(task, 32) && isHex(parent, 32) && isDigits(number) {
		return name
	}
	return ""
}

// systemContainer returns the name of the container whose whole system runs
// below this part of the path.
func systemContainer(parent, name string) string {
	if parent == "lxc" || parent == "lxc.payload" {
		return name
	}
	if payload, ok := strings.CutPrefix(name, "lxc.payload."); ok {
		return payload
	}
	if nspawn, ok := strings.CutPrefix(name, "systemd-nspawn@"); ok {
		return strings.TrimSuffix(nspawn, ".service")
	}
	return ""
}

// podUID returns the uid of the pod that a part of a path names:
// pod<uid> or kubepods-burstable-pod<uid>.slice.
func podUID(name string) string {
	name = strings.TrimSuffix(name, ".slice")
	if i := strings.LastIndex(name, "-pod"); i >= 0 && strings.Contains(name[:i], "kubepods") {
		name = name[i+1:]
	}
	uid, ok := strings.CutPrefix(name, "pod")
	if !ok {
		return ""
	}
	uid = strings.ReplaceAll(uid, "_", "-")
	if isHex(uid, 32) || len(uid) == 36 && strings.Count(uid, "-") == 4 && isHex(strings.ReplaceAll(uid, "-", ""), 32) {
		return uid
	}
	return ""
}

// isService reports whether a part of a path is a systemd service that says
// something: not a user's session manager, not a name that systemd-run made up.
func isService(name string) bool {
	name, ok := strings.CutSuffix(name, ".service")
	return ok && !strings.HasPrefix(name, "user@") && !isTransient(name)
}

// isTransient recognises run-u12, run-p815-i4711 and run-r<32 hex digits>.
func isTransient(name string) bool {
	id, ok := strings.CutPrefix(name, "run-")
	if !ok || len(id) < 2 {
		return false
	}
	switch id[0] {
	case 'u':
		return isDigits(id[1:])
	case 'p':
		p, i, ok := strings.Cut(id[1:], "-i")
		return isDigits(p) && (!ok || isDigits(i))
	case 'r':
		return isHex(id[1:], 32)
	}
	return false
}

// unescape undoes systemd-escape's \xNN. The dashes that stand for slashes stay.
func unescape(name string) string {
	var out strings.Builder
	for {
		i := strings.Index(name, `\x`)
		if i < 0 || len(name) < i+4 {
			break
		}
		n, err := strconv.ParseUint(name[i+2:i+4], 16, 8)
		if err != nil {
			out.WriteString(name[:i+2])
			name = name[i+2:]
			continue
		}
		out.WriteString(name[:i])
		out.WriteByte(byte(n))
		name = name[i+4:]
	}
	out.WriteString(name)
	return out.String()
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

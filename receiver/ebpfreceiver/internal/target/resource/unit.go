package resource

import (
	"strconv"
	"strings"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/container"
)

// mainPIDVariable is what systemd (248 and later) tells a process that it starts
// its own id in (systemd.exec(5)). It is inherited by all that this starts.
const mainPIDVariable = "SYSTEMD_EXEC_PID"

// ancestorsLimit bounds the way from a worker up to the main process of a unit.
const ancestorsLimit = 8

// serviceOfUnit names the process by its systemd unit if that is what it is: its
// main process or a worker of that. Whatever else runs in a unit (the steps of a
// build agent, what a process manager starts) is a service of its own.
//
// What tells instances of one service apart is left out:
// postgresql@16-main.service is postgresql.
func (d *Describer) serviceOfUnit(v *View, mainPID string) string {
	name, _, _ := strings.Cut(strings.TrimSuffix(v.place.Unit, ".service"), "@")
	if name == "" || d.startedByAnother(v, mainPID) || !d.descendsFromMain(v) {
		return ""
	}
	return name
}

// startedByAnother reports whether the unit has another main process, which still
// runs and runs something else. (The first process of a daemon may be gone.)
func (d *Describer) startedByAnother(v *View, mainPID string) bool {
	pid, err := strconv.ParseUint(mainPID, 10, 32)
	if err != nil || uint32(pid) == v.PID {
		return false
	}
	executable, err := d.reader.Executable(uint32(pid))
	return err == nil && executable != v.Executable && d.inUnit(uint32(pid), v.place.Unit)
}

// descendsFromMain reports whether only processes of the same program are
// between this one and what is outside of the unit, which is who started it.
func (d *Describer) descendsFromMain(v *View) bool {
	parent := v.Stat.Parent
	for range ancestorsLimit {
		if parent <= 1 || !d.inUnit(parent, v.place.Unit) {
			return true
		}
		executable, err := d.reader.Executable(parent)
		if err != nil || executable != v.Executable {
			return false
		}
		stat, err := d.reader.Stat(parent)
		if err != nil {
			return false
		}
		parent = stat.Parent
	}
	return false
}

func (d *Describer) inUnit(pid uint32, unit string) bool {
	groups, _, err := d.reader.Cgroups(pid)
	return err == nil && container.Locate(groups).Unit == unit
}

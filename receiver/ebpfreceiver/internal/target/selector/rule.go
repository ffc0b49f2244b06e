package selector

import (
	"fmt"
	"strconv"
	"strings"
)

// Rule selects processes. All fields that are set must match.
type Rule struct {
	// All matches every process. It stands alone.
	All bool `mapstructure:"all"`
	// Exe is a glob of the executable: of the whole path if it holds a slash, else
	// of its last part. "*" is any run of characters but slashes, "**" any run,
	// "?" one character: nginx, /usr/lib/postgresql/**, python3*.
	Exe string `mapstructure:"exe"`
	// CommandLine is a glob of the arguments joined by spaces: "*gunicorn*shop*".
	CommandLine string `mapstructure:"command_line"`
	// PIDs are process ids, of the host. A process forked by one of them that
	// runs the same program counts too: the workers of a server.
	PIDs []int `mapstructure:"pids"`
	// Ports are TCP ports that the process listens on: numbers and ranges, as
	// [8080, "9000-9099"].
	Ports []any `mapstructure:"ports"`
	// Cgroup is a glob of the path of a control group, in any hierarchy:
	// "/system.slice/nginx.service", "**/kubepods/**".
	Cgroup string `mapstructure:"cgroup"`
	// ContainerID is the beginning of the id of the container, at least 8 digits.
	ContainerID string `mapstructure:"container_id"`
}

// portRange is first to last, both included.
type portRange struct{ first, last uint16 }

// parsePorts accepts a number, or text with a number or "first-last".
func parsePorts(value any) (portRange, error) {
	text, ok := value.(string)
	if !ok {
		text = fmt.Sprint(value)
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	low, err := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	high, err2 := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if err != nil || err2 != nil || low == 0 || low > high {
		return portRange{}, fmt.Errorf(`must be a port from 1 to 65535 or a range as "9000-9099", not %q`, text)
	}
	return portRange{uint16(low), uint16(high)}, nil
}

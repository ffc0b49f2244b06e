package target

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Config says which processes are traced. It is the `targets` section of the
// receiver's configuration.
//
// A process is traced when a rule of Include matches it and none of Exclude
// does. Kernel threads and the Collector itself are never traced.
type Config struct {
	// Include are the rules that select processes; one that matches is enough.
	// There is no default: `include: [{all: true}]` traces the whole machine.
	Include []Rule `mapstructure:"include"`
	// Exclude are the rules that except processes again.
	Exclude []Rule `mapstructure:"exclude"`
	// RescanInterval is the time between two readings of /proc, which repair what
	// lost events missed and notice moves between control groups. Default 5s.
	RescanInterval time.Duration `mapstructure:"rescan_interval"`
	// MaxProcesses bounds the processes that are traced at a time; further ones
	// are refused and counted. Default 4096.
	MaxProcesses int `mapstructure:"max_processes"`
	// CommandArgs adds process.command_args, all arguments of a process, to the
	// resource. They may hold passwords. Default false.
	CommandArgs bool `mapstructure:"command_args"`
}

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

// NewConfig returns the default configuration, which selects nothing yet.
func NewConfig() Config {
	return Config{RescanInterval: 5 * time.Second, MaxProcesses: 4096}
}

// Validate reports every value that cannot be used, by its key below `targets`.
func (c *Config) Validate() error {
	_, err := NewSelector(c)
	if c.RescanInterval < 100*time.Millisecond {
		err = errors.Join(err, fmt.Errorf("rescan_interval: must be at least 100ms, not %v", c.RescanInterval))
	}
	if c.MaxProcesses < 1 || c.MaxProcesses > 1<<20 {
		err = errors.Join(err, fmt.Errorf("max_processes: must be 1 to 1048576, not %d", c.MaxProcesses))
	}
	return err
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

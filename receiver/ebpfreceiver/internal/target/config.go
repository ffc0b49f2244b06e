package target

import (
	"errors"
	"fmt"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/target/selector"
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
	// HostID is host.id where what the machine says of itself is not unique, as on
	// clones of one image. Default: see resource.ReadHost.
	HostID string `mapstructure:"host_id"`
}

// Rule selects processes. All fields that are set must match.
type Rule = selector.Rule

// NewConfig returns the default configuration, which selects nothing yet.
func NewConfig() Config {
	return Config{RescanInterval: 5 * time.Second, MaxProcesses: 4096}
}

// Validate reports every value that cannot be used, by its key below `targets`.
func (c *Config) Validate() error {
	_, err := selector.New(c.Include, c.Exclude)
	if c.RescanInterval < 100*time.Millisecond {
		err = errors.Join(err, fmt.Errorf("rescan_interval: must be at least 100ms, not %v", c.RescanInterval))
	}
	if c.MaxProcesses < 1 || c.MaxProcesses > 1<<20 {
		err = errors.Join(err, fmt.Errorf("max_processes: must be 1 to 1048576, not %d", c.MaxProcesses))
	}
	return err
}

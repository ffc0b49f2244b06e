package target

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

func TestValidateNamesTheKey(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"include: must have at least one rule":         func(c *Config) { c.Include = nil },
		"include[1]: is empty; set at least one of":    func(c *Config) { c.Include = append(c.Include, Rule{}) },
		"include[0]::all: matches every process":       func(c *Config) { c.Include[0].Exe = "a" },
		`include[1]::exe: "***" is not allowed`:        func(c *Config) { c.Include = append(c.Include, Rule{Exe: "/***"}) },
		`exclude[0]::exe: a glob of a path must begin`: func(c *Config) { c.Exclude = []Rule{{Exe: "usr/bin/x"}} },
		`exclude[0]::command_line: "***" is not`:       func(c *Config) { c.Exclude = []Rule{{CommandLine: "a***"}} },
		`exclude[0]::cgroup: must begin with "/"`:      func(c *Config) { c.Exclude = []Rule{{Cgroup: "system.slice"}} },
		"exclude[0]::pids: must be process ids":        func(c *Config) { c.Exclude = []Rule{{PIDs: []int{1, 0}}} },
		"4194304, not 5000000":                         func(c *Config) { c.Exclude = []Rule{{PIDs: []int{5000000}}} },
		"exclude[0]::ports: must be a port from 1":     func(c *Config) { c.Exclude = []Rule{{Ports: []any{0}}} },
		`not "90-80"`: func(c *Config) { c.Exclude = []Rule{{Ports: []any{"90-80"}}} },
		`not "http"`:  func(c *Config) { c.Exclude = []Rule{{Ports: []any{80, "http"}}} },
		`not "70000"`: func(c *Config) { c.Exclude = []Rule{{Ports: []any{70000}}} },
		`not "-5"`:    func(c *Config) { c.Exclude = []Rule{{Ports: []any{-5}}} },
		`not "1.5"`:   func(c *Config) { c.Exclude = []Rule{{Ports: []any{1.5}}} },
		"exclude[0]::container_id: must be 8 to 64":  func(c *Config) { c.Exclude = []Rule{{ContainerID: "abc"}} },
		`not "my-container"`:                         func(c *Config) { c.Exclude = []Rule{{ContainerID: "my-container"}} },
		"rescan_interval: must be at least 100ms":    func(c *Config) { c.RescanInterval = time.Millisecond },
		"max_processes: must be 1 to 1048576, not 0": func(c *Config) { c.MaxProcesses = 0 },
		"1048576, not 2000000":                       func(c *Config) { c.MaxProcesses = 2_000_000 },
	} {
		t.Run(want, func(t *testing.T) {
			config := rules(Rule{All: true})
			require.NoError(t, config.Validate())
			change(&config)
			assert.ErrorContains(t, config.Validate(), want)
		})
	}
}

func TestValidateReportsEverything(t *testing.T) {
	config := Config{Include: []Rule{{Exe: "a/***"}, {Ports: []any{"x"}}}, RescanInterval: time.Second}
	err := config.Validate()
	assert.ErrorContains(t, err, "include[0]::exe")
	assert.ErrorContains(t, err, "include[1]::ports")
	assert.ErrorContains(t, err, "max_processes")
}

func TestConfigIsReadAndValidatedByTheCollector(t *testing.T) {
	var receiver struct {
		Targets Config `mapstructure:"targets"`
	}
	receiver.Targets = NewConfig()
	conf := confmap.NewFromStringMap(map[string]any{"targets": map[string]any{
		"include": []any{
			map[string]any{"exe": "/usr/sbin/nginx", "ports": []any{80, "8000-8099"}},
			map[string]any{"command_line": "*gunicorn*", "pids": []any{17, 18}},
			map[string]any{"cgroup": "/a/**", "container_id": "0123456789ab"},
		},
		"exclude":         []any{map[string]any{"all": false, "exe": "sh"}},
		"rescan_interval": "30s", "max_processes": 10, "command_args": true,
	}})
	require.NoError(t, conf.Unmarshal(&receiver))
	require.NoError(t, confmap.Validate(&receiver))
	assert.Equal(t, Config{
		Include: []Rule{
			{Exe: "/usr/sbin/nginx", Ports: []any{80, "8000-8099"}},
			{CommandLine: "*gunicorn*", PIDs: []int{17, 18}},
			{Cgroup: "/a/**", ContainerID: "0123456789ab"},
		},
		Exclude: []Rule{{Exe: "sh"}}, RescanInterval: 30 * time.Second, MaxProcesses: 10, CommandArgs: true,
	}, receiver.Targets)

	receiver.Targets.Include[1].PIDs = []int{-1}
	assert.ErrorContains(t, confmap.Validate(&receiver), "targets: include[1]::pids: must be process ids")
}

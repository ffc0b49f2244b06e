package selector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const someID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d"

func gunicorn() *Facts {
	return &Facts{
		PID: 4711, Origin: 4700, Executable: "/usr/bin/python3.11", Args: []string{"python3", "/usr/bin/gunicorn", "shop:app"},
		Cgroups: []string{"/", "/kubepods/burstable/pod1/" + someID}, ContainerID: someID, Ports: []uint16{80, 8443},
	}
}

func TestRulesMatch(t *testing.T) {
	for title, test := range map[string]struct {
		rule Rule
		want bool
	}{
		"all":                              {Rule{All: true}, true},
		"exe by its name":                  {Rule{Exe: "python3*"}, true},
		"exe by another name":              {Rule{Exe: "gunicorn"}, false},
		"exe name is not part of a path":   {Rule{Exe: "bin"}, false},
		"exe by path":                      {Rule{Exe: "/usr/bin/*"}, true},
		"exe by another path":              {Rule{Exe: "/usr/local/**"}, false},
		"exe anywhere":                     {Rule{Exe: "**/bin/python*"}, true},
		"command line":                     {Rule{CommandLine: "*gunicorn* shop:*"}, true},
		"command line in other order":      {Rule{CommandLine: "*shop*gunicorn*"}, false},
		"command line as a whole":          {Rule{CommandLine: "gunicorn"}, false},
		"pid":                              {Rule{PIDs: []int{1, 4711}}, true},
		"pid of the process it forked off": {Rule{PIDs: []int{4700}}, true},
		"another pid":                      {Rule{PIDs: []int{1}}, false},
		"port":                             {Rule{Ports: []any{8080, 80}}, true},
		"port in a range":                  {Rule{Ports: []any{"8400-8499"}}, true},
		"another port":                     {Rule{Ports: []any{81, "8444-8499"}}, false},
		"cgroup":                           {Rule{Cgroup: "/kubepods/**"}, true},
		"cgroup by its end":                {Rule{Cgroup: "**/" + someID}, true},
		"cgroup with one star":             {Rule{Cgroup: "/kubepods/*"}, false},
		"container":                        {Rule{ContainerID: someID[:12]}, true},
		"another container":                {Rule{ContainerID: "0123456789ab"}, false},
		"two fields that match":            {Rule{Exe: "python*", Ports: []any{80}}, true},
		"two fields of which one does not": {Rule{Exe: "python*", Ports: []any{81}}, false},
	} {
		t.Run(title, func(t *testing.T) {
			selector, err := New([]Rule{test.rule}, nil)
			require.NoError(t, err)
			assert.Equal(t, test.want, selector.Match(gunicorn()))
		})
	}
}

func TestSeveralRules(t *testing.T) {
	selector, err := New([]Rule{{Exe: "nginx"}, {Exe: "python*"}}, []Rule{{CommandLine: "*shop*", Ports: []any{443}}, {Cgroup: "/system.slice/**"}})
	require.NoError(t, err)
	facts := gunicorn()
	assert.True(t, selector.Match(facts), "the second one selects it")
	facts.Ports = []uint16{443}
	assert.False(t, selector.Match(facts), "an exclude rule wins")
	facts.Args = nil
	assert.True(t, selector.Match(facts), "if all of its fields match")
	facts.Cgroups = []string{"/system.slice/x.service"}
	assert.False(t, selector.Match(facts))
	assert.False(t, selector.Match(&Facts{Executable: ""}))
}

func TestNeedsAreWhatTheRulesLookAt(t *testing.T) {
	for title, test := range map[string]struct {
		rule Rule
		want Needs
	}{
		"nothing for exe and pids": {Rule{Exe: "a", PIDs: []int{1}}, Needs{}},
		"arguments":                {Rule{CommandLine: "a"}, Needs{Args: true}},
		"control groups":           {Rule{Cgroup: "/a"}, Needs{Cgroups: true}},
		"control groups for ids":   {Rule{ContainerID: "01234567"}, Needs{Cgroups: true}},
		"ports":                    {Rule{Ports: []any{1}}, Needs{Ports: true}},
	} {
		t.Run(title, func(t *testing.T) {
			selector, err := New([]Rule{{Exe: "x"}}, []Rule{test.rule})
			require.NoError(t, err)
			assert.Equal(t, test.want, selector.Needs())
		})
	}
}

func TestSelectorTellsPortsAndPids(t *testing.T) {
	selector, err := New([]Rule{{Ports: []any{80}}}, []Rule{{Ports: []any{"90-99"}}, {PIDs: []int{7}}})
	require.NoError(t, err)
	assert.True(t, selector.WantsPort(80))
	assert.True(t, selector.WantsPort(99))
	assert.False(t, selector.WantsPort(100))
	assert.True(t, selector.NamesPID(7))
	assert.False(t, selector.NamesPID(80))
}

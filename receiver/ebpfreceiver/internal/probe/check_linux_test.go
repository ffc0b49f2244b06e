package probe

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

func TestMissingCapabilitiesAreNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		has     []int
		missing []string
	}{
		"none": {nil, []string{"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}},
		"all": {
			[]int{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH}, nil,
		},
		"enough to load, not enough to see processes": {
			[]int{unix.CAP_BPF, unix.CAP_PERFMON}, []string{"SYS_PTRACE", "DAC_READ_SEARCH"},
		},
		"the old capability for everything does not see processes": {
			[]int{unix.CAP_SYS_ADMIN}, []string{"SYS_PTRACE", "DAC_READ_SEARCH"},
		},
		"what includes others": {
			[]int{unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE, unix.CAP_DAC_OVERRIDE}, nil,
		},
		"one": {
			[]int{unix.CAP_BPF, unix.CAP_SYS_PTRACE, unix.CAP_DAC_READ_SEARCH}, []string{"PERFMON"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.missing, missingCapabilities(func(c int) bool { return slices.Contains(tt.has, c) }))
		})
	}
}

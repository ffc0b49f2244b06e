package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"
)

// ErrUnfit says that this kernel, or the privileges of this process, cannot run
// the programs. The error's text names what is missing and what to do.
var ErrUnfit = errors.New("the ebpf receiver cannot run here")

const privileges = "run as root, or with the capabilities BPF, PERFMON, SYS_PTRACE and DAC_READ_SEARCH"

// tracepoints are the hooks, by their names in the kernel's BTF.
var tracepoints = []string{
	"sys_enter", "sys_exit", "sched_waking", "sched_process_fork",
	"sched_process_exec", "sched_process_exit", "inet_sock_set_state", "tcp_destroy_sock", "tcp_retransmit_skb",
}

// Check reports whether the programs can run here: nil, or an error that matches
// ErrUnfit and names everything that is missing.
func Check() error {
	var missing []string
	missing = append(missing, missingPrivileges()...)
	missing = append(missing, missingTypes()...)
	if len(missing) == 0 {
		missing = append(missing, missingFeatures()...)
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: kernel %s: %s", ErrUnfit, release(), strings.Join(missing, "; "))
}

func missingPrivileges() []string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil // the load will tell
	}
	names := missingCapabilities(func(c int) bool { return data[c/32].Effective&(1<<(c%32)) != 0 })
	if len(names) == 0 {
		return nil
	}
	return []string{"missing privileges (" + strings.Join(names, ", ") + "): " + privileges}
}

// missingCapabilities names those that has lacks: to load the programs, and to see
// whose processes these are, without which nothing would be traced, silently.
func missingCapabilities(has func(capability int) bool) (names []string) {
	for _, c := range []struct {
		name         string
		is, includes int
	}{
		{"BPF", unix.CAP_BPF, unix.CAP_SYS_ADMIN},
		{"PERFMON", unix.CAP_PERFMON, unix.CAP_SYS_ADMIN},
		{"SYS_PTRACE", unix.CAP_SYS_PTRACE, unix.CAP_SYS_PTRACE},
		{"DAC_READ_SEARCH", unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE},
	} {
		if !has(c.is) && !has(c.includes) {
			names = append(names, c.name)
		}
	}
	return names
}

func missingTypes() []string {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return []string{fmt.Sprintf("no BTF type information (%v): use a kernel built with CONFIG_DEBUG_INFO_BTF (all major distributions since 2021)", err)}
	}
	var missing []string
	for _, name := range tracepoints {
		var typedef *btf.Typedef
		if err := spec.TypeByName("btf_trace_"+name, &typedef); err != nil {
			missing = append(missing, fmt.Sprintf("no tracepoint %s: use a kernel built with CONFIG_FTRACE_SYSCALLS and CONFIG_BPF_EVENTS", name))
		}
	}
	return missing
}

func missingFeatures() []string {
	var missing []string
	if err := features.HaveMapType(ebpf.TaskStorage); errors.Is(err, ebpf.ErrNotSupported) {
		missing = append(missing, "no task storage: Linux 5.15 or newer is needed")
	}
	if err := features.HaveProgramHelper(ebpf.Tracing, asm.FnTaskPtRegs); errors.Is(err, ebpf.ErrNotSupported) {
		missing = append(missing, "no bpf_task_pt_regs: Linux 5.15 or newer is needed")
	}
	return missing
}

// explainLoad adds to an error of loading what most likely causes it.
func explainLoad(err error) error {
	if mode, readErr := os.ReadFile("/sys/kernel/security/lockdown"); readErr == nil && strings.Contains(string(mode), "[confidentiality]") {
		return fmt.Errorf("%w: kernel lockdown is in confidentiality mode, which forbids BPF to read memory: boot with lockdown=integrity or none: %w", ErrUnfit, err)
	}
	if errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: %s: %w", ErrUnfit, privileges, err)
	}
	return fmt.Errorf("%w: load the BPF programs into kernel %s: %w", ErrUnfit, release(), err)
}

func release() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// Command guest is the first and only program of a kernel under test (see
// package kernels). Called with the name of a role it is one of the programs
// that are traced there.
package main

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/internal/netns"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/probe"
)

func main() {
	var err error
	switch {
	case len(os.Args) > 1:
		err = play(os.Args[1])
	case os.Getpid() == 1:
		err = boot()
		powerOff(err)
	default:
		err = examine() // on this machine's own kernel
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		os.Exit(1)
	}
}

// boot does what an init has to and lets another process examine the kernel: what
// that one looks up as it starts, as /proc, is there by then.
func boot() error {
	for _, m := range []struct{ kind, path string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"bpf", "/sys/fs/bpf"}, {"devtmpfs", "/dev"},
	} {
		if err := os.MkdirAll(m.path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.path, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	if err := netns.LoopbackUp(); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
	return cmd.Run()
}

func powerOff(err error) {
	if err != nil {
		fmt.Println("guest:", err)
	}
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("guest: power off:", err) // the kernel panics as init ends, and the host sees it
	}
}

// examine runs every case and reports on standard output.
func examine() error {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	if err := send(kernels.Report{Kernel: unix.ByteSliceToString(u.Release[:])}); err != nil {
		return err
	}
	if err := probe.Check(); err != nil {
		return send(kernels.Report{Unfit: err.Error()}, kernels.Report{Done: true})
	}
	for _, c := range kernels.Cases() {
		if err := send(kernels.Report{Result: run(c)}); err != nil {
			return err
		}
	}
	return send(kernels.Report{Done: true})
}

func send(reports ...kernels.Report) error {
	for _, r := range reports {
		if err := r.Write(os.Stdout); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/kernels"
)

// verdict is what the guest said of a kernel.
type verdict struct {
	kernel  string
	unfit   string
	results []*kernels.Result
	done    bool
	elapsed time.Duration
}

// boot runs the guest on a kernel until it powers off, and keeps the console in a
// file. A guest that dies is a verdict, not an error.
func boot(ctx context.Context, cpu, image, initramfs, console string, limit time.Duration) (*verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64",
		// KVM may be there and not work, in a machine that is virtual itself. Processors
		// that take turns: with a thread each, QEMU 7.2 runs code that the kernel has
		// half patched.
		"-accel", "tcg,thread=single", "-cpu", cpu, "-smp", "2", "-m", "1024", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio",
		"-kernel", image, "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(console)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	v, err := read(io.TeeReader(out, log))
	v.elapsed = time.Since(began)
	if waitErr := cmd.Wait(); err == nil && !v.done {
		err = waitErr
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("not done after %s, see %s", limit, console)
	}
	return v, err
}

func read(console io.Reader) (*verdict, error) {
	v := &verdict{kernel: "kernel that never spoke"}
	lines := bufio.NewScanner(console)
	lines.Buffer(nil, 1<<20) // a verifier's log in an error
	for lines.Scan() {
		r, err := kernels.Parse(lines.Text())
		if err != nil {
			return v, err
		}
		if r != nil {
			v.add(r)
		}
	}
	return v, lines.Err()
}

func (v *verdict) add(r *kernels.Report) {
	if r.Kernel != "" {
		v.kernel = r.Kernel
	}
	if r.Unfit != "" {
		v.unfit = r.Unfit
	}
	if r.Result != nil {
		v.results = append(v.results, r.Result)
	}
	v.done = v.done || r.Done
}

// Command host boots kernels of Debian in an emulator, each with the guest (see
// package kernels) as its only program, and prints what came of it. Run it from
// the root of the repository: `make kernels`. It needs Debian's apt-get and dpkg,
// and qemu-system-x86_64; it changes nothing outside the cache folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// release is a suite of Debian whose newest cloud kernel is booted.
type release struct {
	suite string
	cpu   string // as QEMU names it
	unfit string // what probe.Check has to say there; "": the programs run
}

// Processors. QEMU 7.2 takes the flags of cmpxchg16b from an operation before it,
// which kills kernels whose allocator lives by that instruction, if an interrupt
// comes just then. Newer allocators use it seldom, but the one of BPF's storage
// does not work without.
const (
	without16 = "qemu64,-cx16"
	with16    = "qemu64"
)

// releases: the oldest of them is the error's test. Debian has no 5.15, the oldest
// kernel that the programs are written for.
var releases = []release{
	{suite: "bullseye", cpu: without16, unfit: "Linux 5.15 or newer is needed"}, // 5.10
	{suite: "bookworm", cpu: without16},                                         // 6.1
	{suite: "trixie", cpu: without16},                                           // 6.12
	{suite: "unstable", cpu: with16},                                            // the newest
}

func main() {
	cache := flag.String("cache", ".cache/kernels", "folder for kernels that have been fetched")
	only := flag.String("only", "", "boot only the kernel of this suite")
	refresh := flag.Bool("refresh", false, "look for newer kernels than those in the cache")
	limit := flag.Duration("timeout", 10*time.Minute, "longest time for one kernel")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &settings{*cache, *only, *refresh, *limit}); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	cache, only string
	refresh     bool
	limit       time.Duration
}

func run(ctx context.Context, s *settings) error {
	cache, err := filepath.Abs(s.cache)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	initramfs := filepath.Join(cache, "initramfs.gz")
	if err := buildInitramfs(ctx, initramfs); err != nil {
		return err
	}
	var chosen []release
	for _, r := range releases {
		if s.only == "" || s.only == r.suite {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no kernel of a suite named %q", s.only)
	}
	return s.examine(ctx, cache, initramfs, chosen)
}

// examine boots two kernels at a time and prints their tables in order.
func (s *settings) examine(ctx context.Context, cache, initramfs string, chosen []release) error {
	places := make(chan struct{}, 2)
	var outcomes []chan outcome
	for _, r := range chosen {
		done := make(chan outcome, 1)
		outcomes = append(outcomes, done)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			done <- s.one(ctx, filepath.Join(cache, r.suite), initramfs, r)
		}()
	}
	var errs []error
	for _, done := range outcomes {
		o := <-done
		fmt.Print(o.table)
		errs = append(errs, o.err)
	}
	return errors.Join(errs...)
}

// outcome is the table of one kernel, and why it fails.
type outcome struct {
	table string
	err   error
}

func (s *settings) one(ctx context.Context, dir, initramfs string, r release) outcome {
	began := time.Now()
	image, err := fetch(ctx, dir, r.suite, s.refresh)
	if err != nil {
		return outcome{err: fmt.Errorf("fetch the kernel of %s: %w", r.suite, err)}
	}
	fetched := time.Since(began)
	console := filepath.Join(dir, "console.log")
	v, err := boot(ctx, r.cpu, image, initramfs, console, s.limit)
	if err != nil {
		return outcome{err: fmt.Errorf("boot the kernel of %s: %w", r.suite, err)}
	}
	var table strings.Builder
	if !v.print(&table, r, fetched) {
		err = fmt.Errorf("%s (%s) fails, see %s", v.kernel, r.suite, console)
	}
	return outcome{table.String(), err}
}

// buildInitramfs compiles the guest and packs it as the only file of an
// initramfs.
func buildInitramfs(ctx context.Context, path string) error {
	guest := path + ".guest"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", guest,
		"./receiver/ebpfreceiver/internal/kernels/guest")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the guest: %w", err)
	}
	program, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(writeInitramfs(out, program), out.Close())
}

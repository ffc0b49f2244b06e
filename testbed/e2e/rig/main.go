package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// actorVariable tells a test binary which actor to be.
const actorVariable = "OTELCOL_E2E_ACTOR"

// Actors are programs to be traced, by name. A test binary runs as one of them
// when StartActor starts it again. An actor runs until its standard input ends.
type Actors map[string]func() error

// Main runs the tests of a package, or the actor that this process is to be. The
// packages of e2e do not run at the same time: a machine with two cores has no
// room for two floods.
func Main(m *testing.M, actors Actors) {
	if name := os.Getenv(actorVariable); name != "" {
		os.Exit(act(name, actors))
	}
	if os.Geteuid() != 0 {
		fail("these tests attach to the kernel: run them as root")
	}
	// Released when the process ends, however it does.
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "otelcol-custom-e2e.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		fail("wait for the other end-to-end tests: " + err.Error())
	}
	goleak.VerifyTestMain(m)
	lock.Close()
}

func act(name string, actors Actors) int {
	run, ok := actors[name]
	if !ok {
		fail("no actor " + name)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "actor %s: %v\n", name, err)
		return 1
	}
	return 0
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "e2e:", why)
	os.Exit(1)
}

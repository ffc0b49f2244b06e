package gooffsets

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// peek reads the ids of the goroutine that runs on a thread of a live program
// in the way that the kernel side does.
func peek(t *testing.T, pid, tid int, at int64, offsets Offsets) (goid, parent uint64) {
	t.Helper()
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	require.NoError(t, syscall.PtraceAttach(tid))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(tid, &status, syscall.WALL, nil)
	require.NoError(t, err)
	var registers syscall.PtraceRegs
	require.NoError(t, syscall.PtraceGetRegs(tid, &registers))
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	require.NoError(t, err)
	defer memory.Close()
	word := func(address uint64) uint64 {
		var b [8]byte
		_, err := memory.ReadAt(b[:], int64(address))
		require.NoError(t, err)
		return binary.LittleEndian.Uint64(b[:])
	}
	g := word(registers.Fs_base + uint64(at))
	goid = word(g + uint64(offsets.Goid))
	if offsets.ParentGoid != 0 {
		parent = word(g + uint64(offsets.ParentGoid))
	}
	require.NoError(t, syscall.PtraceDetach(tid))
	return goid, parent
}

// check runs a program and compares what it says with what its memory says.
func check(t *testing.T, path string, at int64, offsets Offsets) {
	t.Helper()
	command := exec.Command(path)
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	defer func() {
		assert.NoError(t, input.Close())
		assert.NoError(t, command.Wait())
	}()
	var pid, tid int
	var own, creator string
	_, err = fmt.Fscan(output, &pid, &tid, &own, &creator)
	require.NoError(t, err)
	goid, parent := peek(t, pid, tid, at, offsets)
	assert.Equal(t, own, strconv.FormatUint(goid, 10))
	assert.Equal(t, creator, strconv.FormatUint(parent, 10))
}

func TestOffsetsAreTrueInALiveProgram(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the right to trace")
	}
	for title, flags := range map[string][]string{
		"static":               nil,
		"stripped":             {"-ldflags=-s -w"},
		"position independent": {"-buildmode=pie"},
	} {
		t.Run(title, func(t *testing.T) {
			path := build(t, "waiting", nil, flags...)
			program, err := Inspect(path)
			require.NoError(t, err)
			require.NotZero(t, program.Goid)
			check(t, path, program.GOffset, program.Offsets)
		})
	}
}

func TestThreadLocalVariablesOfCMoveG(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the right to trace")
	}
	offsets, ok := lookup(runtime.Version())
	require.True(t, ok)
	for title, test := range map[string]struct {
		flags []string
		known bool
	}{
		"with symbols":            {nil, true},
		"stripped":                {[]string{"-ldflags=-s -w"}, false},
		"position independent":    {[]string{"-buildmode=pie"}, true},
		"static, linked outside":  {[]string{"-ldflags=-linkmode=external -extldflags=-static"}, true},
		"static and stripped too": {[]string{"-ldflags=-s -w -linkmode=external -extldflags=-static"}, false},
	} {
		t.Run(title, func(t *testing.T) {
			path := build(t, "withtls", []string{"CGO_ENABLED=1"}, test.flags...)
			program, err := Inspect(path)
			require.NoError(t, err)
			assert.Equal(t, UnknownG, program.Source)
			assert.Zero(t, program.Offsets, "the kernel side would look at the wrong place")
			assert.NotEqual(t, int64(usualG), program.GOffset)
			if assert.Equal(t, test.known, program.GOffset != 0); test.known {
				check(t, path, program.GOffset, offsets)
			}
		})
	}
}

func TestPlainCgoLeavesGInPlace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs the right to trace")
	}
	for title, flags := range map[string][]string{
		"dynamic":              {"-tags=plain"},
		"position independent": {"-tags=plain", "-buildmode=pie"},
		"linked outside":       {"-tags=plain", "-ldflags=-s -w -linkmode=external"},
	} {
		t.Run(title, func(t *testing.T) {
			path := build(t, "withtls", []string{"CGO_ENABLED=1"}, flags...)
			program, err := Inspect(path)
			require.NoError(t, err)
			require.NotZero(t, program.Goid)
			check(t, path, program.GOffset, program.Offsets)
		})
	}
}

package procfs

import (
	"bytes"
	"fmt"
	"strconv"
)

// Flags of linux/sched.h, in the stat file: PF_EXITING, PF_KTHREAD.
const (
	exiting      = 0x00000004
	kernelThread = 0x00200000
)

// Stat is what /proc/<pid>/stat says (proc_pid_stat(5)).
type Stat struct {
	Comm   string // name of the main thread
	State  byte   // 'R', 'S', 'Z' ...
	Parent uint32
	Flags  uint32
	// Threads counts the threads that are alive; a zombie leader of a process
	// that goes on counts itself and the others.
	Threads uint32
	// Start is the moment of creation in clock ticks since boot. With the pid it
	// is the identity of a process: it never changes, not even by an exec.
	Start uint64
	// Image says which run of which program this is: an exec changes it, a fork
	// does not. It is made of addresses that the kernel picks at random.
	Image Image
}

// Image is the address of a program's code and of its stack.
type Image struct{ Code, Stack uint64 }

// KernelThread reports whether the process is part of the kernel.
func (s *Stat) KernelThread() bool { return s.Flags&kernelThread != 0 }

// Dead reports whether no thread of the process is left, or the last one is on its
// way out, as it is when the kernel tells of the end. The leader may well be a
// zombie while other threads work on.
func (s *Stat) Dead() bool {
	return (s.State == 'Z' || s.State == 'X' || s.Flags&exiting != 0) && s.Threads <= 1
}

// Stat reads the state of a process.
func (r *Reader) Stat(pid uint32) (Stat, error) {
	data, err := r.read(pid, "stat", statLimit)
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(data)
}

// Indexes of fields after the name; field 3 of proc_pid_stat(5) is index 0.
const (
	fieldState   = 0
	fieldParent  = 1
	fieldFlags   = 6
	fieldThreads = 17
	fieldStart   = 19
	fieldCode    = 23
	fieldStack   = 25
)

// ParseStat parses the stat file. The name may hold any byte, parentheses and
// spaces too: it ends at the last closing one.
func ParseStat(data []byte) (Stat, error) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return Stat{}, fmt.Errorf("stat without a name: %w", ErrMalformed)
	}
	s := Stat{Comm: string(data[open+1 : end])}
	field, rest := 0, data[end+1:]
	for field <= fieldStack {
		rest = bytes.TrimLeft(rest, " ")
		n := bytes.IndexAny(rest, " \n")
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			return Stat{}, fmt.Errorf("stat of %d fields: %w", field, ErrMalformed)
		}
		if err := s.set(field, rest[:n]); err != nil {
			return Stat{}, err
		}
		rest = rest[n:]
		field++
	}
	return s, nil
}

func (s *Stat) set(field int, value []byte) error {
	switch field {
	case fieldState:
		s.State = value[0]
		return nil
	case fieldParent, fieldFlags, fieldThreads, fieldStart, fieldCode, fieldStack:
	default:
		return nil
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil {
		return fmt.Errorf("stat field %d %q: %w", field+3, value, ErrMalformed)
	}
	switch field {
	case fieldParent:
		s.Parent = uint32(n)
	case fieldFlags:
		s.Flags = uint32(n)
	case fieldThreads:
		s.Threads = uint32(n)
	case fieldStart:
		s.Start = n
	case fieldCode:
		s.Image.Code = n
	case fieldStack:
		s.Image.Stack = n
	}
	return nil
}

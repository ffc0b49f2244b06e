package procfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Sizes that bound what is read of one process. The kernel sets no useful bound
// itself: a command line may have megabytes.
const (
	statLimit        = 4 << 10
	statusLimit      = 8 << 10
	cgroupLimit      = 64 << 10
	commandLineLimit = 128 << 10
	tableLimit       = 16 << 20
)

// ErrMalformed says that a file of /proc has not the form that it is known by.
var ErrMalformed = errors.New("malformed")

// Reader reads the processes below one /proc. It reuses its buffer: one
// goroutine at a time.
type Reader struct {
	root string // the root that /proc is found in, "/" normally
	buf  []byte
}

// New returns a Reader of root/proc. An empty root is "/".
func New(root string) *Reader {
	if root == "" {
		root = "/"
	}
	return &Reader{root: root, buf: make([]byte, 8<<10)}
}

// Path returns the path of a file in the process's directory.
func (r *Reader) Path(pid uint32, name string) string {
	return filepath.Join(r.root, "proc", strconv.FormatUint(uint64(pid), 10), name)
}

// Gone reports whether err means that the process does not exist any more (or,
// for its executable and memory, that it is a zombie or a kernel thread). That
// can happen at any time and is not a fault.
func Gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// PIDs calls visit with the id of every process, in no order.
func (r *Reader) PIDs(visit func(pid uint32)) error {
	dir, err := os.Open(filepath.Join(r.root, "proc"))
	if err != nil {
		return fmt.Errorf("open process list: %w", err)
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(512)
		for _, name := range names {
			if pid, err := strconv.ParseUint(name, 10, 32); err == nil {
				visit(uint32(pid))
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read process list: %w", err)
		}
	}
}

// Executable returns the path of the program that the process runs, as its own
// mount namespace names it. A deleted file keeps its name.
func (r *Reader) Executable(pid uint32) (string, error) {
	path, err := os.Readlink(r.Path(pid, "exe"))
	return strings.TrimSuffix(path, " (deleted)"), err
}

// WorkingDirectory returns the directory that the process is in now.
func (r *Reader) WorkingDirectory(pid uint32) (string, error) {
	path, err := os.Readlink(r.Path(pid, "cwd"))
	return strings.TrimSuffix(path, " (deleted)"), err
}

// NetNS returns the inode number of the process's network namespace.
func (r *Reader) NetNS(pid uint32) (uint32, error) {
	link, err := os.Readlink(r.Path(pid, "ns/net"))
	if err != nil {
		return 0, err
	}
	inode, ok := inode(link, "net:[")
	if !ok || inode > 1<<32-1 {
		return 0, fmt.Errorf("network namespace %q: %w", link, ErrMalformed)
	}
	return uint32(inode), nil
}

// inode takes the number out of a link like "socket:[4711]".
func inode(link, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(link, prefix)
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// read returns the first bytes of a file of the process, at most limit of them.
// The bytes are valid until the next call.
func (r *Reader) read(pid uint32, name string, limit int) ([]byte, error) {
	return r.readPath(r.Path(pid, name), limit)
}

// readPath avoids os.ReadFile, which asks the kernel three needless questions
// of a file in /proc: its size (always 0), and twice whether it can be polled.
func (r *Reader) readPath(path string, limit int) ([]byte, error) {
	file, err := openRaw(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer file.close()
	n := 0
	for n < limit {
		if n == len(r.buf) {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		m, err := file.read(r.buf[n:min(len(r.buf), limit)])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return r.buf[:n], nil
}

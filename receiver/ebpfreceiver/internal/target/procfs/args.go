package procfs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// CommandLine returns the arguments of the process, its name first. Of very
// long ones only the start is returned; a process that rewrote its own title
// shows that. Kernel threads and zombies have none.
func (r *Reader) CommandLine(pid uint32) ([]string, error) {
	data, err := r.read(pid, "cmdline", commandLineLimit)
	if err != nil {
		return nil, err
	}
	return ParseCommandLine(data), nil
}

// ParseCommandLine splits a command line as the kernel shows it: each argument
// ends with a NUL. A rewritten title is padded with NULs, which do not count.
func ParseCommandLine(data []byte) []string {
	data = bytes.TrimRight(data, "\x00")
	if len(data) == 0 {
		return nil
	}
	return strings.Split(string(data), "\x00")
}

// Environ bounds: how much of an environment is searched, and the longest
// variable that is taken.
const (
	environLimit  = 1 << 20
	variableLimit = 32 << 10
)

// Environ returns the values of the named variables in the environment that the
// process was started with; what it changed later cannot be seen. A variable
// longer than 32 KiB, or one beyond the first MiB, counts as not set.
func (r *Reader) Environ(pid uint32, names ...string) (map[string]string, error) {
	path := r.Path(pid, "environ")
	file, err := openRaw(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer file.close()
	if len(r.buf) < 2*variableLimit {
		r.buf = append(r.buf, make([]byte, 2*variableLimit-len(r.buf))...)
	}
	values, err := scanEnviron(r.buf[:2*variableLimit], file.read, names)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return values, nil
}

// scanEnviron finds variables in a stream of NUL-terminated entries without
// holding more of it than buf. The first of two equal names wins, as in getenv.
func scanEnviron(buf []byte, read func([]byte) (int, error), names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	have, total, skipping := 0, 0, false
	for total < environLimit && len(values) < len(names) {
		n, err := read(buf[have:])
		if err != nil {
			return nil, err
		}
		total += n
		chunk := buf[:have+n]
		for {
			end := bytes.IndexByte(chunk, 0)
			if end < 0 {
				break
			}
			if !skipping {
				takeVariable(values, chunk[:end], names)
			}
			skipping, chunk = false, chunk[end+1:]
		}
		if n == 0 {
			break
		}
		if skipping = skipping || len(chunk) > variableLimit; skipping {
			chunk = nil
		}
		have = copy(buf, chunk)
	}
	return values, nil
}

func takeVariable(values map[string]string, entry []byte, names []string) {
	key, value, ok := bytes.Cut(entry, []byte("="))
	if !ok || len(entry) > variableLimit {
		return
	}
	for _, name := range names {
		if string(key) == name {
			if _, seen := values[name]; !seen {
				values[name] = string(value)
			}
			return
		}
	}
}

// Owner returns the effective user id of the process. The owner of its directory
// will not do: a server that gave up root has it still owned by root.
func (r *Reader) Owner(pid uint32) (uint32, error) {
	data, err := r.read(pid, "status", statusLimit)
	if err != nil {
		return 0, err
	}
	return ParseOwner(data)
}

// ParseOwner finds the effective user id in a status file.
func ParseOwner(data []byte) (uint32, error) {
	_, line, ok := bytes.Cut(data, []byte("\nUid:"))
	if !ok {
		return 0, fmt.Errorf("status without Uid: %w", ErrMalformed)
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	ids := bytes.Fields(line)
	if len(ids) < 2 {
		return 0, fmt.Errorf("status Uid %q: %w", line, ErrMalformed)
	}
	uid, err := strconv.ParseUint(string(ids[1]), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("status Uid %q: %w", line, ErrMalformed)
	}
	return uint32(uid), nil
}

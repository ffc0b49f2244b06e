package procfs

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
)

// descriptorLimit bounds the open files that are looked at for sockets.
const descriptorLimit = 1 << 16

// Listener is a listening TCP socket of a network namespace.
type Listener struct {
	Local netip.AddrPort // IPv4 unmapped; the unspecified address means all
	Inode uint64
}

// Listeners returns the listening TCP sockets of the network namespace that the
// process is in, whoever has them open.
func (r *Reader) Listeners(pid uint32) ([]Listener, error) {
	var found []Listener
	for _, name := range [...]string{"net/tcp", "net/tcp6"} {
		data, err := r.readTable(r.Path(pid, name))
		if name == "net/tcp6" && Gone(err) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
		found = appendListeners(found, data)
	}
	return found, nil
}

// tableChunk is what is read of a table of sockets at a time: a line or two. The
// kernel makes no more lines than are asked for, and for each of those that do
// not listen it may go through a large hash table.
const tableChunk = 256

// readTable reads a table of sockets up to the first that does not listen. The
// kernel lists those that do first, and there may be a million others.
func (r *Reader) readTable(path string) ([]byte, error) {
	file, err := openRaw(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer file.close()
	n := 0
	for n < tableLimit {
		if len(r.buf)-n < tableChunk {
			r.buf = append(r.buf, make([]byte, len(r.buf))...)
		}
		m, err := file.read(r.buf[n : n+tableChunk])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if n += m; m == 0 || !lastListens(r.buf[:n]) {
			break
		}
	}
	return r.buf[:n], nil
}

// lastListens reports whether the last whole line of a socket table shows a
// listening socket (or is the heading).
func lastListens(table []byte) bool {
	end := bytes.LastIndexByte(table, '\n')
	if end < 0 {
		return true
	}
	line := table[bytes.LastIndexByte(table[:end], '\n')+1 : end]
	fields := bytes.Fields(line)
	return len(fields) < 4 || string(fields[3]) == stateListen || string(fields[3]) == "st"
}

const stateListen = "0A" // TCP_LISTEN

// ParseListeners returns the listening sockets in the text of /proc/net/tcp or
// /proc/net/tcp6. Lines of another form are left out.
func ParseListeners(table []byte) []Listener { return appendListeners(nil, table) }

func appendListeners(found []Listener, table []byte) []Listener {
	for line := range bytes.SplitSeq(table, []byte("\n")) {
		fields := bytes.Fields(line)
		if len(fields) < 10 || string(fields[3]) != stateListen {
			continue
		}
		local, ok := parseSocketAddress(fields[1])
		inode, err := strconv.ParseUint(string(fields[9]), 10, 64)
		if ok && err == nil {
			found = append(found, Listener{Local: local, Inode: inode})
		}
	}
	return found
}

// parseSocketAddress parses "0100007F:1F90": the address as 32-bit words in the
// byte order of the machine, the port in plain hexadecimal.
func parseSocketAddress(text []byte) (netip.AddrPort, bool) {
	colon := bytes.IndexByte(text, ':')
	if colon < 0 {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	n := hex.DecodedLen(colon)
	if n != 4 && n != 16 {
		return netip.AddrPort{}, false
	}
	if _, err := hex.Decode(raw[:], text[:colon]); err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw[:n])
	port, err := strconv.ParseUint(string(text[colon+1:]), 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), err == nil
}

// Sockets calls visit with the inode of every socket that the process has open,
// until visit returns false. Of a process with more than 65,536 open files some
// may be left out.
func (r *Reader) Sockets(pid uint32, visit func(inode uint64) bool) error {
	path := r.Path(pid, "fd")
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer dir.Close()
	for range descriptorLimit / 512 {
		names, err := dir.Readdirnames(512)
		for _, name := range names {
			link, err := os.Readlink(filepath.Join(path, name))
			if err != nil {
				continue // closed meanwhile
			}
			if inode, ok := inode(link, "socket:["); ok && !visit(inode) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
	return nil
}

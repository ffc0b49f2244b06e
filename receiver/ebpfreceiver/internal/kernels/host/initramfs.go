package main

import (
	"compress/gzip"
	"fmt"
	"io"
)

// Modes of entries in an archive.
const (
	folder  = 0o040755
	program = 0o100755
	device  = 0o020600
)

// entry is a file of an archive.
type entry struct {
	name         string
	mode         uint32
	major, minor uint32 // of a device
	data         []byte
}

// writeInitramfs writes an initramfs whose /init is the given program. The kernel
// opens /dev/console for it.
func writeInitramfs(w io.Writer, init []byte) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for i, e := range []entry{
		{name: "dev", mode: folder},
		{name: "dev/console", mode: device, major: 5, minor: 1},
		{name: "init", mode: program, data: init},
		{name: "TRAILER!!!"},
	} {
		if err := writeEntry(z, i+1, &e); err != nil {
			return err
		}
	}
	return z.Close()
}

// writeEntry writes e in the "newc" format (Documentation/driver-api/early-userspace/
// buffer-format.rst of the kernel): a header of hexadecimal fields, the name and
// the data, each padded to four bytes.
func writeEntry(w io.Writer, inode int, e *entry) error {
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		inode, e.mode, 0, 0, 1, 0, len(e.data), 0, 0, e.major, e.minor, len(e.name)+1, 0)
	if _, err := io.WriteString(w, header+e.name+"\x00"+padding(len(header)+len(e.name)+1)); err != nil {
		return err
	}
	if _, err := w.Write(e.data); err != nil {
		return err
	}
	_, err := io.WriteString(w, padding(len(e.data)))
	return err
}

func padding(n int) string { return "\x00\x00\x00"[:(4-n%4)%4] }

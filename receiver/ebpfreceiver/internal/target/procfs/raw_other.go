//go:build !linux

package procfs

import (
	"errors"
	"io"
	"os"
)

// rawFile is an ordinary file: there is no /proc worth being quick about.
type rawFile struct{ *os.File }

func openRaw(path string) (rawFile, error) {
	file, err := os.Open(path)
	return rawFile{file}, err
}

func (f rawFile) read(p []byte) (int, error) {
	n, err := f.Read(p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f rawFile) close() { f.Close() }

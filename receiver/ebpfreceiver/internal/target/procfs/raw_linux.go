package procfs

import (
	"errors"
	"syscall"
)

// rawFile is a descriptor that the runtime's poller is not told of.
type rawFile int

func openRaw(path string) (rawFile, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if !errors.Is(err, syscall.EINTR) {
			return rawFile(fd), err
		}
	}
}

// read returns 0 at the end of the file.
func (f rawFile) read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(f), p)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return 0, err
		}
	}
}

func (f rawFile) close() {
	_ = syscall.Close(int(f)) // read only: nothing can be lost
}

package load

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// failure names an error without what differs from request to request
// (addresses, ports), so that failures can be counted by name.
func failure(err error) string {
	step, _, _ := strings.Cut(err.Error(), ":")
	var errno syscall.Errno
	switch {
	case errors.Is(err, errStatus):
		return err.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return step + ": timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return step + ": closed by the server"
	case errors.As(err, &errno):
		return step + ": " + errno.Error()
	case errors.Is(err, net.ErrClosed):
		return step + ": closed"
	}
	return step + ": other"
}

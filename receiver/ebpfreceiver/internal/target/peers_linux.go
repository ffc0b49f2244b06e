package target

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
)

// readOwnSockets asks about every descriptor of this process. One that is closed
// and used again meanwhile is still one of its own.
func readOwnSockets() ([]ownSocket, error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return nil, fmt.Errorf("open own descriptors: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read own descriptors: %w", err)
	}
	var sockets []ownSocket
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil {
			if socket, ok := readOwnSocket(fd); ok {
				sockets = append(sockets, socket)
			}
		}
	}
	return sockets, nil
}

func readOwnSocket(fd int) (ownSocket, bool) {
	address, err := syscall.Getsockname(fd)
	local, ok := addrPort(address)
	if err != nil || !ok {
		return ownSocket{}, false // most are no sockets
	}
	if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_STREAM {
		return ownSocket{}, false
	}
	if address, err = syscall.Getpeername(fd); err == nil {
		remote, ok := addrPort(address)
		return ownSocket{local: local, remote: remote}, ok
	}
	listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	return ownSocket{local: local}, err == nil && listens != 0
}

func addrPort(address syscall.Sockaddr) (netip.AddrPort, bool) {
	switch a := address.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), true
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port)), true
	}
	return netip.AddrPort{}, false
}

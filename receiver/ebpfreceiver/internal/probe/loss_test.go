package probe

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// lossTruth is how many segments each end sent again, as the kernel tells the ends
// themselves (TCP_INFO), and the port that was connected to.
type lossTruth struct{ Client, Server, Port int }

// lose makes a socket lose all that comes in, until find.
func lose(fd int) error {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
}

func find(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
}

// sentAgain is how many segments a socket has sent again.
func sentAgain(fd int) (int, error) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, err
	}
	return int(info.Total_retrans), nil
}

// untilSentAgain waits until a socket has sent n segments again.
func untilSentAgain(fd, n int) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		sent, err := sentAgain(fd)
		if err != nil || sent >= n {
			return err
		}
		if _, err := unix.Poll(nil, 1); err != nil && err != unix.EINTR {
			return err
		}
	}
	return fmt.Errorf("socket %d never sent %d segments again", fd, n)
}

// actLoss loses a request twice and its reply once.
func actLoss() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	defer p.close()
	for _, way := range []struct{ from, to, times int }{{p.client, p.server, 2}, {p.server, p.client, 1}} {
		if err := lose(way.to); err != nil {
			return nil, err
		}
		if _, err := unix.Write(way.from, []byte("message")); err != nil {
			return nil, err
		}
		if err := errors.Join(untilSentAgain(way.from, way.times), find(way.to)); err != nil {
			return nil, err
		}
		if _, err := unix.Read(way.to, make([]byte, 16)); err != nil {
			return nil, err
		}
	}
	var truth lossTruth
	truth.Client, err = sentAgain(p.client)
	if err != nil {
		return nil, err
	}
	truth.Server, err = sentAgain(p.server)
	return truth, err
}

// actGiveUp connects to a port that does not answer, and gives up.
func actGiveUp() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	defer p.close()
	sa, err := unix.Getsockname(p.listener)
	if err != nil {
		return nil, err
	}
	if err := lose(p.listener); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sa); err != unix.EINPROGRESS {
		return nil, fmt.Errorf("want a connect in progress, got %v", err)
	}
	if err := untilSentAgain(fd, 1); err != nil {
		return nil, err
	}
	truth := lossTruth{Port: sa.(*unix.SockaddrInet4).Port}
	truth.Client, err = sentAgain(fd)
	return truth, err
}

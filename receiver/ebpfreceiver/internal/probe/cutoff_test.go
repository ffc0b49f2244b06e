package probe

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

// actCutOff has two threads ask and break off the connection some time later, while
// two others read and answer on other CPUs: now and then in the middle of the system
// call, or of what a hook does at its end. It returns the number of requests.
func actCutOff() (any, error) {
	const clients, n = 2, 5000
	p, err := connectFrom("127.0.0.1", 4096, nil)
	if err != nil {
		return nil, err
	}
	defer p.close()
	address, err := unix.Getsockname(p.listener)
	if err != nil {
		return nil, err
	}
	asked, answered := make(chan error, clients), make(chan error, clients)
	for range clients {
		go func() { answered <- answerUntilShut(p.listener) }()
		go func() { asked <- askAndBreakOff(address, n) }()
	}
	err = errors.Join(<-asked, <-asked)
	err = errors.Join(err, unix.Shutdown(p.listener, unix.SHUT_RD)) // wakes who accepts
	return clients * n, errors.Join(err, <-answered, <-answered)
}

func askAndBreakOff(address unix.Sockaddr, n int) error {
	runtime.LockOSThread()
	for i := range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, address); err != nil {
			return err
		}
		if _, err := unix.Write(fd, []byte("request")); err != nil {
			return err
		}
		if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
			return err
		}
		for range i % 20 { // the time of that many system calls
			unix.Getppid()
		}
		unix.Close(fd)
	}
	return nil
}

// answerUntilShut answers the connections that are still there.
func answerUntilShut(listener int) error {
	runtime.LockOSThread()
	b := make([]byte, 16)
	for {
		fd, _, err := unix.Accept(listener)
		if err == unix.EINVAL {
			return nil
		}
		if err != nil {
			return err
		}
		if n, err := unix.Read(fd, b); err == nil && n > 0 {
			_, _ = unix.Write(fd, []byte("reply"))
		}
		unix.Close(fd)
	}
}

func TestAConnectionCutOffInTheMiddleOfACallStaysItself(t *testing.T) {
	s := newStage(t, nil)
	a := start(t, "cut off")
	require.NoError(t, s.SetTarget(a.pid, Target{}))
	var n int
	a.play(&n)
	assert.Eventually(t, func() bool { return s.exited(a.pid) && s.settled() }, 5*time.Second, 5*time.Millisecond, "every end is told")
	counters, err := s.Counters()
	require.NoError(t, err)
	assert.Zero(t, counters[SkippedStaleConn], "entries that seemed to be another socket's")
	assert.Equal(t, counters[RecordsConn], counters[RecordsClose])
	assert.Zero(t, entries(s))
	assert.GreaterOrEqual(t, len(s.conns), n, "the clients' ends, at least")
	found, portless, strange := 0, 0, 0
	for _, c := range s.conns {
		if c.Found {
			found++
		}
		if c.Local.Port() == 0 || c.Remote.Port() == 0 {
			portless++
		}
	}
	for _, e := range s.ios {
		if want := said(s.conns[e.ConnID].Role, e.Direction); string(e.Payload) != want {
			strange++
		}
	}
	assert.Zero(t, found, "connections that seemed to be older")
	assert.Zero(t, portless, "connections without their ports")
	assert.Zero(t, strange, "messages on the connection of another")
}

// said is what goes that way between the actors.
func said(role event.Role, direction event.Direction) string {
	if (role == event.RoleClient) == (direction == event.Egress) {
		return "request"
	}
	return "reply"
}

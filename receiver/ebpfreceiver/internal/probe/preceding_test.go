package probe

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/event"
)

var precedingPair *pair // set by runActor before the actor runs

// precedings are the connections that actors have before they become targets.
func precedings() map[string]func() (*pair, error) {
	any4 := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	return map[string]func() (*pair, error){
		"preceding":               func() (*pair, error) { return connect("127.0.0.1") },
		"preceding: IPv6":         func() (*pair, error) { return connect("::1") },
		"preceding: no listener":  connectAndStopListening,
		"preceding: no queue":     func() (*pair, error) { return connectFrom("127.0.0.1", 0, nil) },
		"preceding: bound client": func() (*pair, error) { return connectFrom("127.0.0.1", 128, any4) },
		"preceding: futex":        func() (*pair, error) { return connect("127.0.0.1") },
	}
}

func connectAndStopListening() (*pair, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	return p, errors.Join(unix.Shutdown(p.listener, unix.SHUT_RD), unix.Close(p.listener))
}

// actPreceding talks on a connection that was there before it became a target, and
// says which port the server has.
func actPreceding() (any, error) {
	p := precedingPair
	defer p.close()
	address, err := unix.Getsockname(p.server)
	if err != nil {
		return nil, err
	}
	if _, err := unix.Write(p.client, []byte("ping")); err != nil {
		return nil, err
	}
	b := make([]byte, 16)
	if _, err := unix.Read(p.server, b); err != nil {
		return nil, err
	}
	if a, ok := address.(*unix.SockaddrInet6); ok {
		return a.Port, nil
	}
	return address.(*unix.SockaddrInet4).Port, nil
}

func TestConnectionsFromBeforeAreFoundWithTheirRole(t *testing.T) {
	for _, tt := range []struct {
		name           string
		server, client event.Role
	}{
		{"preceding", event.RoleServer, event.RoleClient},
		{"preceding: IPv6", event.RoleServer, event.RoleClient},
		{"preceding: no listener", event.RoleServer, event.RoleClient},
		{"preceding: no queue", event.RoleUnknown, event.RoleClient},
		{"preceding: bound client", event.RoleServer, event.RoleUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t, nil)
			var port int
			s.trace(tt.name, Target{}, &port)
			require.Len(t, s.conns, 2)
			for _, c := range s.conns {
				want := tt.client
				if int(c.Local.Port()) == port {
					want = tt.server
				}
				assert.Equal(t, want, c.Role, "port %d", c.Local.Port())
				assert.True(t, c.Found)
				assert.NotZero(t, c.Remote.Port())
			}
			require.Len(t, s.ios, 2)
			for _, io := range s.ios {
				assert.Equal(t, s.conns[io.ConnID].Role, io.Role)
			}
			assert.Len(t, s.closes, 2)
			requireNothingLost(t, s)
		})
	}
}

func TestAFutexWakeHandsOverTheRequestOfAConnectionFromBefore(t *testing.T) {
	s := newStage(t, nil)
	var truth handoffTruth
	s.trace("preceding: futex", Target{}, &truth)
	h := own(handoffsOf(s, truth.To, 0), truth.From)
	assert.EqualValues(t, 1, h.SourceKind, "server read")
	requireNothingLost(t, s)
}

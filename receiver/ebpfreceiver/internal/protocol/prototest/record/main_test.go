package main

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers every line with itself until the client has finished.
func echo(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			c.Close()
		}
	}()
	return l
}

// say sends a line, waits for its echo and closes.
func say(t *testing.T, address, line string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, line)
	require.NoError(t, err)
	got, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, line, got)
}

func TestRecordWritesDownOneConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	to := echo(t).Addr().String()
	done := make(chan prototest.Conversation)
	go func() {
		c, err := record(l, to, 1)
		assert.NoError(t, err)
		done <- c
	}()
	say(t, l.Addr().String(), "first\n")
	say(t, l.Addr().String(), "second\n")
	c := <-done
	assert.Equal(t, "second\n", string(c.Bytes(protocol.FromClient)))
	assert.Equal(t, "second\n", string(c.Bytes(protocol.FromServer)))
	require.NotEmpty(t, c)
	assert.Equal(t, protocol.FromClient, c[0].Dir, "the question comes before its answer")
	closed := 0
	for _, e := range c {
		if e.Close {
			closed++
		}
	}
	assert.Equal(t, 2, closed)
}

func TestRecordNeedsAServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, nobody.Close())
	done := make(chan error)
	go func() {
		_, err := record(l, nobody.Addr().String(), 0)
		done <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	assert.ErrorContains(t, <-done, "connect:")
	require.NoError(t, l.Close())
	_, err = record(l, "", 0)
	assert.ErrorContains(t, err, "accept:")
	assert.ErrorContains(t, run("256.0.0.1:0", "", "", 0), "listen:")
}

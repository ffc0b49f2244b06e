package conn

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/stream"
)

// told is what a table delivers when it takes messages from a pool, as text.
func told(data []byte, pool *protocol.Messages) string {
	o := testOptions()
	o.MaxConnections, o.MaxPending, o.MaxExchanges = 3, 4, 6
	o.Bytes = stream.Limits{StreamBytes: 700, TotalBytes: 1500}
	o.ExchangeTimeout = time.Second
	o.Protocols = registry.All()
	o.Parser = &protocol.Options{Messages: pool, ContextHeaders: []string{"traceparent"}, CaptureHeaders: []string{"x"}}
	var out strings.Builder
	message := func(m *protocol.Message) {
		if m == nil {
			out.WriteString("nothing; ")
			return
		}
		fmt.Fprintf(&out, "%d %d %s %d %s %t %v %+v; ", m.Kind, m.ID, m.Name, m.Status, m.StatusText, m.OneWay, m.Headers, m.Attributes)
	}
	s := &script{now: uint64(time.Hour)}
	s.table = New(o, func(e *Exchange) {
		fmt.Fprintf(&out, "%d %d %d ", e.Conn.ID, e.Ordinal, e.Outcome)
		message(e.RequestMessage)
		message(e.ResponseMessage)
		out.WriteByte('\n')
	})
	s.play(data)
	s.table.Shutdown(s.now)
	return out.String()
}

// step is one event for a script: bytes one way, or time.
func step(op byte, payload string) []byte {
	head := []byte{op, 0, 10, 0, 0}
	binary.LittleEndian.PutUint16(head[3:], uint16(len(payload)))
	return append(head, payload...)
}

// join puts the steps of a conversation together.
func join(steps ...[]byte) (out []byte) {
	for _, s := range steps {
		out = append(out, s...)
	}
	return out
}

// FuzzRecycledMessages demands that nothing is told otherwise because messages
// are used again.
func FuzzRecycledMessages(f *testing.F) {
	accept := []byte{0, 0, 1, 0, 0}
	const ask, answer, more, later = 0x24, 0x34, 0x14, 0x03
	get, ok := "GET /a HTTP/1.1\r\nx: 1\r\n\r\n", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
	post := "POST /b HTTP/1.1\r\nContent-Length: 40\r\n\r\n"
	f.Add(join(accept, step(ask, get), step(answer, ok), step(ask, get+get), step(answer, ok+ok)))
	// Answered, or given up, while the body is still coming; then the rest of it.
	f.Add(join(accept, step(ask, post+"x"), step(answer, ok), step(ask, strings.Repeat("x", 39)), step(answer, ok), step(ask, get), step(answer, ok)))
	// The same, and meanwhile somebody else has the message.
	wait := "HTTP/1.1 100 Continue\r\n\r\n"
	f.Add(join(accept, step(ask, post+"x"), step(answer, ok), step(more, wait+wait), step(ask, strings.Repeat("x", 39)), step(ask, get), step(answer, ok)))
	f.Add(join(accept, step(ask, post+"x"), []byte{later, 0, 0, 0xff, 0x0f}, step(ask, strings.Repeat("x", 39)), step(ask, get), step(answer, ok+ok)))
	f.Add(join(accept, step(ask, post+"x"), []byte{2, 0, 1, 0, 0}, step(ask, strings.Repeat("x", 39)+get), step(answer, ok+ok)))
	f.Add(join(accept, step(ask, "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"), step(answer, "+PONG\r\n-ERR x\r\n"), step(ask, "*1\r\n$4\r\nPING\r\n"), step(answer, "+PONG\r\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		require.Equal(t, told(data, nil), told(data, &protocol.Messages{}))
	})
}

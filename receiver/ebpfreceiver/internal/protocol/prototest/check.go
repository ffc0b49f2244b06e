package prototest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
)

// Splits checks that a conversation yields the same messages however its bytes
// are cut into calls: one at a time unless there are very many, and at random
// places.
func Splits(t *testing.T, p protocol.Protocol, o *protocol.Options, c Conversation) {
	t.Helper()
	const many = 20_000
	want := play(t, p, o, c)
	longest := 40
	if c.size() <= many {
		assert.Equal(t, want, play(t, p, o, c.split(func() int { return 1 })), "one byte at a time")
	} else {
		longest = 4000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		limit := 1 + rng.IntN(longest)
		got := play(t, p, o, c.split(func() int { return 1 + rng.IntN(limit) }))
		if !assert.Equal(t, want, got, "pieces of up to %d bytes", limit) {
			return
		}
	}
}

// Heads checks that a parser keeps the contract when only the beginnings of
// messages are captured, and that it then finds no more messages than there are.
func Heads(t *testing.T, p protocol.Protocol, o *protocol.Options, c Conversation) {
	t.Helper()
	all := NewDriver(p.New(o))
	all.Play(c)
	for _, limit := range [...]int{8, 64, 256} {
		d := NewDriver(p.New(o))
		d.Play(c.CaptureHeads(limit))
		require.NoError(t, d.Err(), "%d bytes of each message", limit)
		assert.LessOrEqual(t, requests(d.Records), requests(all.Records), "%d bytes of each message", limit)
	}
}

func requests(records []Record) int {
	n := 0
	for _, r := range records {
		if r.Message != nil && r.Message.Kind == protocol.Request {
			n++
		}
	}
	return n
}

// Detects checks that the first bytes of direction dir are recognised as soon as
// there are enough of them, never refused before, and for good.
func Detects(t *testing.T, p protocol.Protocol, dir protocol.Direction, data []byte) {
	t.Helper()
	require.Equal(t, protocol.Yes, p.Detect(dir, data), "all %d bytes", len(data))
	seen := protocol.Unsure
	for n := range len(data) + 1 {
		v := p.Detect(dir, data[:n])
		require.NotEqual(t, protocol.No, v, "%q", data[:n])
		if seen == protocol.Yes {
			require.Equal(t, protocol.Yes, v, "%q", data[:n])
		}
		seen = v
	}
}

// Hammer plays fuzz data against a parser and fails the test on a breach of the
// contract. Each operation is three bytes (what to do, and a length) and the
// bytes that it offers. Data that only offers bytes must yield the same messages
// when they are offered one at a time.
func Hammer(t *testing.T, p protocol.Protocol, o *protocol.Options, data []byte) {
	t.Helper()
	h := &hammer{parser: p.New(o), detect: p.Detect}
	h.driver = NewDriver(h.parser)
	for len(data) >= 3 && h.driver.Err() == nil {
		data = h.strike(data[0], int(data[1])|int(data[2]&0x0f)<<8, data[3:])
	}
	require.NoError(t, h.driver.Err())
	require.LessOrEqual(t, len(h.driver.Records), 1<<16)
	if !h.meddled {
		got := play(t, p, o, h.offered.split(func() int { return 1 }))
		require.Equal(t, Render(h.driver.Records), got, "one byte at a time")
	}
}

// hammer is what Hammer does to one parser.
type hammer struct {
	parser  protocol.Parser
	driver  *Driver
	detect  func(protocol.Direction, []byte) protocol.Verdict
	offered Conversation
	meddled bool // the parser was called past the driver
}

// strike does one operation and returns the data behind it.
func (h *hammer) strike(op byte, n int, data []byte) []byte {
	e := Event{Dir: protocol.Direction(op & 1)}
	switch (op >> 1) & 0x0f {
	case 0:
		e.Gap = n + 1
	case 1:
		h.meddled = true
		h.parser.Resync(e.Dir)
		return data
	case 2:
		e.Close = true
	case 3:
		h.detect(e.Dir, data)
		return data
	default:
		n = min(n, len(data))
		e.Data, data = data[:n], data[n:]
	}
	h.offered = append(h.offered, e)
	h.driver.Play(Conversation{e})
	return data
}

// Seed returns a conversation as input of Hammer.
func Seed(c Conversation) []byte {
	var out []byte
	for _, e := range c {
		dir := byte(e.Dir)
		switch {
		case e.Close:
			out = append(out, dir|2<<1, 0, 0)
		case e.Gap > 0:
			n := min(e.Gap-1, 0xfff)
			out = append(out, dir, byte(n), byte(n>>8))
		}
		for rest := e.Data; len(rest) > 0; {
			n := min(len(rest), 0xfff)
			out = append(out, dir|4<<1, byte(n), byte(n>>8))
			out = append(out, rest[:n]...)
			rest = rest[n:]
		}
	}
	return out
}

// Fuzz is the body of a parser's fuzz test: golden conversations as seeds, then
// Hammer.
func Fuzz(f *testing.F, p protocol.Protocol, frame Frame, pattern string) {
	const large = 4 << 10 // slows the search down
	for _, c := range Conversations(f, frame, pattern) {
		if seed := Seed(c); len(seed) <= large {
			f.Add(seed)
		}
	}
	o := &protocol.Options{
		CaptureHeaders: []string{"x-a"},
		ContextHeaders: []string{"traceparent"},
	}
	f.Fuzz(func(t *testing.T, data []byte) { Hammer(t, p, o, data) })
}

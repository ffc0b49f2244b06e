package prototest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

func lineProtocol() protocol.Protocol {
	return protocol.Protocol{
		Name: "lines",
		New:  func(*protocol.Options) protocol.Parser { return &lines{} },
		Detect: func(_ protocol.Direction, data []byte) protocol.Verdict {
			switch {
			case len(data) < 2:
				return protocol.Unsure
			case data[1] == '\n':
				return protocol.Yes
			}
			return protocol.No
		},
	}
}

func TestGoldenAgreesWithItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.txtar")
	const text = "Comment.\n\n-- two lines --\nC: ab\\nc\\n\nS: d\\n\n-- messages --\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))

	t.Setenv("PROTOTEST_UPDATE", "1")
	prototest.Golden(t, lineProtocol(), nil, file)
	updated, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, text+"C 0-3 request \"ab\"\nC 3-5 request \"c\"\nS 0-2 request \"d\"\n", string(updated))

	t.Setenv("PROTOTEST_UPDATE", "")
	prototest.Golden(t, lineProtocol(), nil, file)
	assert.Len(t, prototest.Conversations(t, nil, file), 1)
}

// eager is a parser that depends on how the bytes are cut: every call is a
// message.
type eager struct{ lines }

func (*eager) Parse(_ protocol.Direction, data []byte) (protocol.Step, error) {
	return protocol.Step{Consumed: len(data), Message: named("m")}, nil
}

// failing runs a check on a test of its own and reports whether it failed.
func failing(check func(t *testing.T)) bool {
	inner := &testing.T{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(inner)
	}()
	<-done
	return inner.Failed()
}

func TestSplitsFindsParsersThatDependOnCalls(t *testing.T) {
	c := prototest.Conversation{{Dir: client, Data: []byte("abc")}}
	p := lineProtocol()
	p.New = func(*protocol.Options) protocol.Parser { return &eager{} }
	assert.True(t, failing(func(t *testing.T) { prototest.Splits(t, p, nil, c) }))
	assert.False(t, failing(func(t *testing.T) { prototest.Splits(t, lineProtocol(), nil, c) }))
}

func TestDetectsFindsRefusals(t *testing.T) {
	assert.False(t, failing(func(t *testing.T) { prototest.Detects(t, lineProtocol(), client, []byte("a\nb")) }))
	assert.True(t, failing(func(t *testing.T) { prototest.Detects(t, lineProtocol(), client, []byte("ab\n")) }))
}

func TestHammerFindsBreaches(t *testing.T) {
	seed := prototest.Seed(prototest.Conversation{
		{Dir: client, Data: []byte("abc\n")}, {Dir: server, Gap: 7}, {Dir: server, Close: true},
	})
	p := lineProtocol()
	assert.False(t, failing(func(t *testing.T) { prototest.Hammer(t, p, nil, seed) }))
	p.New = func(*protocol.Options) protocol.Parser { return &rogue{step: protocol.Step{Consumed: 99}} }
	assert.True(t, failing(func(t *testing.T) { prototest.Hammer(t, p, nil, seed) }))
}

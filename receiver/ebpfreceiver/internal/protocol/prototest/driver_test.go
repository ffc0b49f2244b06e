package prototest_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

// lines is a protocol of lines: "s5" skips five bytes behind the line, "o" is
// opaque, "x" is lost, "?" is another protocol; any other line is a message.
type lines struct {
	gapOK bool
	held  [2]string // what is under way, as the parser was told
}

func (l *lines) Parse(dir protocol.Direction, data []byte) (protocol.Step, error) {
	l.held[dir] = string(data)
	for i, c := range data {
		if c == '\n' {
			l.held[dir] = ""
			return l.line(string(data[:i]), i+1)
		}
	}
	return protocol.Step{}, nil
}

func (l *lines) line(line string, n int) (protocol.Step, error) {
	switch line[:1] {
	case "s":
		return protocol.Step{Consumed: n, Skip: int64(line[1] - '0'), Message: named(line)}, nil
	case "o":
		return protocol.Step{Opaque: true}, nil
	case "x":
		return protocol.Step{}, protocol.ErrLostFrame
	case "?":
		return protocol.Step{}, protocol.ErrNotThisProtocol
	}
	return protocol.Step{Consumed: n, Message: named(line)}, nil
}

func (l *lines) Gap(protocol.Direction, int) bool { return l.gapOK }

func (l *lines) Resync(dir protocol.Direction) *protocol.Message {
	defer func() { l.held[dir] = "" }()
	if l.held[dir] == "" {
		return nil
	}
	return named("cut " + l.held[dir])
}

func (l *lines) Close(dir protocol.Direction) *protocol.Message { return l.Resync(dir) }

func named(name string) *protocol.Message {
	return &protocol.Message{Kind: protocol.Request, Name: name}
}

func TestDriver(t *testing.T) {
	tests := []struct {
		name, in, want string
		gapOK          bool
	}{
		{"messages have positions", `C: ab\nc\n`, "C 0-3 request \"ab\"\nC 3-5 request \"c\"\n", false},
		{"bytes that are skipped belong to their message", `C: s3\nxxxab\n`, "C 0-6 request \"s3\"\nC 6-9 request \"ab\"\n", false},
		{"what is skipped need not be captured", "C: s5\\nx\nC gap 4\nC: a\\n", "C 0-8 request \"s5\"\nC 8-10 request \"a\"\n", false},
		{"a gap goes on behind what is skipped", "C: s5\\nx\nC gap 6\nC: a\\n", "C 0-8 request \"s5\"\nC 8-12 request \"a\"\n", true},
		{"what was not consumed goes with a gap", "C: ab\nC gap 3\nC: c\\n", "C 0-7 request \"c\"\n", true},
		{"a loss lasts until the other end sends", "C: ab\nC gap 3\nC: c\\n\nS: d\\n\nC: e\\n", "C lost\nC 0-7 request \"cut ab\"\nS 0-2 request \"d\"\nC 7-9 request \"e\"\n", false},
		{"a lost frame is a loss", `C: x\nab\n`, "C lost\n", false},
		{"an opaque connection has no more messages", "C: o\\n\nS: a\\n", "C opaque\n", false},
		{"another protocol has none either", "C: ?\\n\nS: a\\n", "C not this protocol\n", false},
		{"the end of a stream ends its message", "C: ab\nC close\nC: c\\n\nS close", "C 0-2 request \"cut ab\"\n", false},
		{"a message that is too long is given up", "C fill 70000 a", "C lost\n", false},
		{"no bytes are no bytes", "C:", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := prototest.Parse(tt.in, nil)
			require.NoError(t, err)
			d := prototest.NewDriver(&lines{gapOK: tt.gapOK})
			d.Play(s.Conversation)
			require.NoError(t, d.Err())
			assert.Equal(t, tt.want, prototest.Render(d.Records))
		})
	}
}

// rogue returns whatever it is told to.
type rogue struct {
	lines
	step protocol.Step
	err  error
	kept []byte
}

func (r *rogue) Parse(_ protocol.Direction, data []byte) (protocol.Step, error) {
	r.kept = data
	return r.step, r.err
}

func TestBreachesAreFound(t *testing.T) {
	message := &protocol.Message{Kind: protocol.Request}
	tests := []struct {
		name string
		step protocol.Step
		err  error
		want string
	}{
		{"more consumed than offered", protocol.Step{Consumed: 4}, nil, "consumed 4 of 3"},
		{"less than nothing consumed", protocol.Step{Consumed: -1}, nil, "consumed -1"},
		{"a negative skip", protocol.Step{Consumed: 1, Skip: -1}, nil, "skip of -1"},
		{"a message out of nothing", protocol.Step{Message: message}, nil, "without progress"},
		{"a message of no kind", protocol.Step{Consumed: 1, Message: &protocol.Message{}}, nil, "kind 0"},
		{"a step beside an error", protocol.Step{Consumed: 1}, protocol.ErrLostFrame, "beside error"},
		{"an unknown error", protocol.Step{}, errors.New("boom"), "boom"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := prototest.NewDriver(&rogue{step: tt.step, err: tt.err})
			d.Data(client, []byte("abc"))
			assert.ErrorContains(t, d.Err(), tt.want)
		})
	}
	t.Run("bytes that are kept do not stay", func(t *testing.T) {
		r := &rogue{}
		prototest.NewDriver(r).Data(client, []byte("abc"))
		assert.Equal(t, []byte{0, 0, 0}, r.kept)
	})
}

func TestRender(t *testing.T) {
	full := &protocol.Message{
		Kind: protocol.Response, ID: 7, Name: "n", OneWay: true, Status: protocol.StatusClientError, StatusText: "t",
		Attributes: []protocol.Attribute{protocol.String("a", "x\n"), protocol.Int("b", -1), protocol.Strings("c", []string{"d", "e"})},
		Headers:    []protocol.Header{{Name: "h", Value: "v"}},
	}
	assert.Equal(t, "S 1-2 response id=7 \"n\" one-way client-error \"t\"\n  a = \"x\\n\"\n  b = -1\n  c = [\"d\" \"e\"]\n  header h: v\n",
		prototest.Render([]prototest.Record{{Dir: server, Start: 1, End: 2, Message: full}}))
	assert.Equal(t, "C 0-0 ignored error\n",
		prototest.Render([]prototest.Record{{Message: &protocol.Message{Kind: protocol.Ignored, Status: protocol.StatusError}}}))
	assert.Equal(t, "C 0-0 kind(9) status(9)\n",
		prototest.Render([]prototest.Record{{Message: &protocol.Message{Kind: 9, Status: 9}}}))
}

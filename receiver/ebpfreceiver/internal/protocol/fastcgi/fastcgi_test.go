package fastcgi_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/fastcgi"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
)

// frame encodes a record, named by its type and, unless it is 1, its id.
func frame(name string, payload []byte) ([]byte, error) {
	kinds := map[string]byte{
		"begin": 1, "abort": 2, "end": 3, "params": 4, "stdin": 5, "stdout": 6, "stderr": 7, "data": 8, "values": 9, "result": 10,
	}
	word, number, found := strings.Cut(name, " ")
	id := uint64(1)
	if found {
		var err error
		if id, err = strconv.ParseUint(number, 10, 16); err != nil {
			return nil, fmt.Errorf("id of a record: %w", err)
		}
	}
	kind := kinds[word]
	if kind == 0 {
		return nil, fmt.Errorf("no record %q", word)
	}
	n := len(payload)
	return append([]byte{1, kind, byte(id >> 8), byte(id), byte(n >> 8), byte(n), 0, 0}, payload...), nil
}

func record(name, payload string) string {
	b, err := frame(name, []byte(payload))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestGolden(t *testing.T) {
	prototest.Golden(t, fastcgi.Protocol(), frame, "testdata/*.txtar")
}

func TestCaptures(t *testing.T) {
	pcap.Golden(t, fastcgi.Protocol(), nil, "../testdata/pcap/fastcgi", "testdata/captures.golden")
}

func FuzzParser(f *testing.F) {
	prototest.Fuzz(f, fastcgi.Protocol(), frame, "testdata/*.txtar")
}

const (
	begin   = "\x00\x01\x01\x00\x00\x00\x00\x00"
	success = "\x00\x00\x00\x00\x00\x00\x00\x00"
	get     = "\x0e\x03REQUEST_METHODGET"
)

func TestDetect(t *testing.T) {
	tests := []struct {
		name string
		dir  protocol.Direction
		in   string
		want protocol.Verdict
	}{
		{"a request", protocol.FromClient, record("begin", begin) + record("params", get), protocol.Yes},
		{"a request of another role", protocol.FromClient, record("begin", "\x00\x09\x01\x00\x00\x00\x00\x00"), protocol.No},
		{"a request with more flags than there are", protocol.FromClient, record("begin", "\x00\x01\x03\x00\x00\x00\x00\x00"), protocol.No},
		{"a request without an id", protocol.FromClient, record("begin 0", begin), protocol.No},
		{"a question", protocol.FromClient, record("values 0", "\x0e\x00FCGI_MAX_CONNS"), protocol.Yes},
		{"another question", protocol.FromClient, record("values 0", "\x0e\x00ABCD_MAX_CONNS"), protocol.No},
		{"parameters without a request", protocol.FromClient, record("params", get), protocol.No},
		{"MySQL", protocol.FromClient, "\x01\x00\x00\x00\x0e", protocol.No},
		{"nothing", protocol.FromClient, "", protocol.Unsure},

		{"output", protocol.FromServer, record("stdout", "Content-type: text/html\r\n\r\n"), protocol.Yes},
		{"output of other bytes", protocol.FromServer, record("stdout", "\x01\x02\x03\x04"), protocol.No},
		{"a warning and output", protocol.FromServer, record("stderr", "PHP message") + record("stdout", "Status: 500"), protocol.Yes},
		{"a warning", protocol.FromServer, record("stderr", "PHP message"), protocol.Unsure},
		{"an end", protocol.FromServer, record("end", success), protocol.Yes},
		{"an end for no reason that exists", protocol.FromServer, record("end", "\x00\x00\x00\x00\x04\x00\x00\x00"), protocol.No},
		{"an answer", protocol.FromServer, record("result 0", "\x0e\x01FCGI_MAX_CONNS1"), protocol.Yes},
		{"MySQL's number of columns", protocol.FromServer, "\x01\x00\x00\x01\x01", protocol.No},
		{"AMQP", protocol.FromServer, "\x01\x00\x00\x00\x00\x01\xf0\x00\x0a\x00\x0a", protocol.No},
		{"nothing from the server", protocol.FromServer, "", protocol.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, fastcgi.Detect(tt.dir, []byte(tt.in)))
		})
	}
	t.Run("no prefix of a record is refused", func(t *testing.T) {
		p := fastcgi.Protocol()
		prototest.Detects(t, p, protocol.FromClient, []byte(record("begin", begin)+record("params", get)))
		prototest.Detects(t, p, protocol.FromClient, []byte(record("values 0", "\x0e\x00FCGI_MAX_CONNS")))
		prototest.Detects(t, p, protocol.FromServer, []byte(record("stdout", "Content-type: text/html\r\n\r\n")))
		prototest.Detects(t, p, protocol.FromServer, []byte(record("stderr", "PHP message")+record("stdout", "Status: 500")))
		prototest.Detects(t, p, protocol.FromServer, []byte(record("end", success)))
	})
}

func TestBounds(t *testing.T) {
	t.Run("neither parameters nor bodies are held by the caller", func(t *testing.T) {
		d := prototest.NewDriver(fastcgi.New(nil))
		input := record("begin", begin) + record("params", get) + record("params", strings.Repeat("x", 60_000)) + record("params", "") +
			record("stdin", strings.Repeat("x", 60_000)) + record("stdin", "")
		for _, c := range []byte(input) {
			d.Data(protocol.FromClient, []byte{c})
			require.Less(t, d.Held(protocol.FromClient), 8)
		}
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		assert.Equal(t, "GET", d.Records[0].Message.Name)
	})
	t.Run("more requests at once than any server sends are refused", func(t *testing.T) {
		d := prototest.NewDriver(fastcgi.New(nil))
		for i := range 65 {
			d.Data(protocol.FromClient, []byte(record(fmt.Sprintf("begin %d", i+1), begin)))
		}
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		assert.Equal(t, "not this protocol", d.Records[0].Note)
	})
	t.Run("and so are more responses", func(t *testing.T) {
		d := prototest.NewDriver(fastcgi.New(nil))
		d.Data(protocol.FromServer, []byte(record("end", success)))
		for i := range 65 {
			d.Data(protocol.FromServer, []byte(record(fmt.Sprintf("stdout %d", i+1), "Status: 200 OK\r\n")))
		}
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 2)
		assert.Equal(t, "lost", d.Records[1].Note)
	})
}

func BenchmarkExchange(b *testing.B) {
	request := []byte(record("begin", begin) + record("params", get+"\x0b\x05REQUEST_URI/a?b=") + record("params", "") + record("stdin", ""))
	response := []byte(record("stdout", "Content-type: text/html\r\n\r\n"+strings.Repeat("x", 1000)) + record("end", success))
	p := fastcgi.New(nil)
	parse := func(dir protocol.Direction, data []byte) {
		for len(data) > 0 {
			step, err := p.Parse(dir, data)
			if err != nil || step.Consumed == 0 {
				b.Fatalf("%+v %v", step, err)
			}
			data = data[step.Consumed+int(step.Skip):]
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		parse(protocol.FromClient, request)
		parse(protocol.FromServer, response)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/message")
}

package postgres_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/postgres"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
)

// frame encodes a message: one with a type byte, or one of the start-up packets.
func frame(name string, payload []byte) ([]byte, error) {
	codes := map[string]uint32{"startup": 3 << 16, "cancel": 80877102, "ssl": 80877103, "gss": 80877104}
	var out []byte
	code, isStartup := codes[name]
	switch {
	case isStartup:
		payload = append(binary.BigEndian.AppendUint32(nil, code), payload...)
	case len(name) == 1:
		out = append(out, name[0])
	default:
		return nil, fmt.Errorf("no message %q", name)
	}
	return append(binary.BigEndian.AppendUint32(out, uint32(len(payload)+4)), payload...), nil
}

func message(name, payload string) []byte {
	b, err := frame(name, []byte(payload))
	if err != nil {
		panic(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	prototest.Golden(t, postgres.Protocol(), frame, "testdata/*.txtar")
}

func TestCaptures(t *testing.T) {
	pcap.Golden(t, postgres.Protocol(), nil, "../testdata/pcap/postgre", "testdata/captures.golden")
}

const (
	column  = "\x00\x01id\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"
	failure = "SERROR\x00VERROR\x00C42P01\x00Mno\x00\x00"
)

func TestDetect(t *testing.T) {
	join := func(parts ...[]byte) string {
		var b []byte
		for _, p := range parts {
			b = append(b, p...)
		}
		return string(b)
	}
	tests := []struct {
		name string
		dir  protocol.Direction
		in   string
		want protocol.Verdict
	}{
		{"a request for TLS", protocol.FromClient, join(message("ssl", "")), protocol.Yes},
		{"a request for GSS encryption", protocol.FromClient, join(message("gss", "")), protocol.Yes},
		{"a request to cancel", protocol.FromClient, join(message("cancel", "12345678")), protocol.Yes},
		{"a start-up", protocol.FromClient, join(message("startup", "user\x00bob\x00\x00")), protocol.Yes},
		{"a start-up without a user", protocol.FromClient, join(message("startup", "abc\x00bob\x00\x00")), protocol.No},
		{"a request of Kafka", protocol.FromClient, "\x00\x00\x00\x14\x00\x03\x00\x00\x00\x00\x00\x01\x00\x04test", protocol.No},
		{"a request for TLS of the wrong length", protocol.FromClient, "\x00\x00\x00\x09\x04\xd2\x16\x2f\x00", protocol.No},
		{"a query", protocol.FromClient, join(message("Q", "select 1\x00")), protocol.Yes},
		{"the beginning of a long query", protocol.FromClient, "Q\x00\x00\x10\x00SELECT *", protocol.Yes},
		{"a query of other bytes", protocol.FromClient, "Q\x00\x00\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x00", protocol.No},
		{"a query without an end", protocol.FromClient, join(message("Q", "select 1")), protocol.No},
		{"a query with two ends", protocol.FromClient, join(message("Q", "select\x001\x00")), protocol.No},
		{"a statement that is parsed", protocol.FromClient, join(message("P", "s1\x00select 1\x00\x00\x00")), protocol.Yes},
		{"a statement with types missing", protocol.FromClient, join(message("P", "s1\x00select 1\x00\x00\x02")), protocol.No},
		{"bind, execute and sync", protocol.FromClient, join(message("B", "\x00s1\x00\x00\x00\x00\x00\x00\x00"), message("E", "\x00\x00\x00\x00\x00"), message("S", "")), protocol.Yes},
		{"bind and something else", protocol.FromClient, join(message("B", "\x00s1\x00\x00\x00\x00\x00\x00\x00"), []byte("hello")), protocol.No},
		{"terminate alone", protocol.FromClient, join(message("X", "")), protocol.Unsure},
		{"MySQL's reply to a greeting", protocol.FromClient, "P\x00\x00\x01\x8d\xa6\x0f\x00\x00\x00\x00\x01", protocol.No},
		{"MongoDB", protocol.FromClient, "Q\x00\x00\x00\x2a\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00", protocol.No},
		{"HTTP", protocol.FromClient, "POST / HTTP/1.1\r\n", protocol.No},
		{"TLS", protocol.FromClient, "\x16\x03\x01\x00", protocol.No},
		{"nothing", protocol.FromClient, "", protocol.Unsure},

		{"an answer to a request for encryption", protocol.FromServer, "N", protocol.Unsure},
		{"a request to authenticate", protocol.FromServer, join(message("R", "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")), protocol.Yes},
		{"an authentication that does not exist", protocol.FromServer, join(message("R", "\x00\x00\x01\x00")), protocol.No},
		{"rows", protocol.FromServer, join(message("T", column), message("D", "\x00\x01\x00\x00\x00\x0217")), protocol.Yes},
		{"the answer to bind", protocol.FromServer, join(message("2", ""), message("C", "DELETE 0\x00"), message("Z", "I")), protocol.Yes},
		{"an error", protocol.FromServer, join(message("E", failure), message("Z", "I")), protocol.Yes},
		{"a long run of rows", protocol.FromServer, join(message("2", ""), message("D", "\x00\x00"), message("D", "\x00\x00"), []byte("D\x00\x00\xff\xff\x00\x01")), protocol.Yes},
		{"readiness for nothing", protocol.FromServer, join(message("Z", "X")), protocol.No},
		{"MySQL's greeting", protocol.FromServer, "S\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00", protocol.No},
		{"HTTP from the server", protocol.FromServer, "HTTP/1.1 200 OK\r\n", protocol.No},
		{"SSH", protocol.FromServer, "SSH-2.0-OpenSSH\r\n", protocol.No},
		{"text", protocol.FromServer, "220 ready\r\n", protocol.No},
		{"nothing from the server", protocol.FromServer, "", protocol.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, postgres.Detect(tt.dir, []byte(tt.in)))
		})
	}
	t.Run("no prefix of a message is refused", func(t *testing.T) {
		p := postgres.Protocol()
		prototest.Detects(t, p, protocol.FromClient, message("startup", "user\x00bob\x00database\x00shop\x00\x00"))
		prototest.Detects(t, p, protocol.FromClient, message("Q", "select 1 from a\x00"))
		prototest.Detects(t, p, protocol.FromClient, message("P", "\x00select 1 from a\x00\x00\x00"))
		prototest.Detects(t, p, protocol.FromServer, []byte(join(message("1", ""), message("T", column))))
		prototest.Detects(t, p, protocol.FromServer, []byte(join(message("C", "SELECT 1\x00"), message("Z", "I"))))
		prototest.Detects(t, p, protocol.FromServer, message("E", failure))
	})
}

func TestBounds(t *testing.T) {
	t.Run("old statements make room for new ones", func(t *testing.T) {
		d := prototest.NewDriver(postgres.New(nil))
		run := func(name string) string {
			d.Data(protocol.FromClient, message("B", "\x00"+name+"\x00\x00\x00\x00\x00\x00\x00"))
			d.Data(protocol.FromClient, message("E", "\x00\x00\x00\x00\x00"))
			d.Data(protocol.FromClient, message("S", ""))
			require.NoError(t, d.Err())
			return d.Records[len(d.Records)-1].Message.Name
		}
		for i := range 2000 {
			d.Data(protocol.FromClient, message("P", fmt.Sprintf("s%d\x00SELECT a FROM t%d\x00\x00\x00", i, i)))
		}
		known := 0
		for i := range 2000 {
			switch name := run(fmt.Sprintf("s%d", i)); name {
			case fmt.Sprintf("SELECT t%d", i):
				known++
			default:
				require.Equal(t, "EXECUTE", name)
			}
		}
		assert.Equal(t, 512, known)
		assert.Equal(t, "SELECT t1999", run("s1999"), "the newest is always known")
	})
	t.Run("long statements take more of the room", func(t *testing.T) {
		d := prototest.NewDriver(postgres.New(nil))
		filler := strings.Repeat("x", 900)
		for i := range 300 {
			d.Data(protocol.FromClient, message("P", fmt.Sprintf("s%d\x00SELECT %s FROM t%d\x00\x00\x00", i, filler, i)))
			d.Data(protocol.FromClient, message("S", ""))
		}
		known := 0
		for i := range 300 {
			d.Data(protocol.FromClient, message("B", fmt.Sprintf("\x00s%d\x00\x00\x00\x00\x00\x00\x00", i)))
			d.Data(protocol.FromClient, message("E", "\x00\x00\x00\x00\x00"))
			d.Data(protocol.FromClient, message("S", ""))
			if d.Records[len(d.Records)-1].Message.Name != "EXECUTE" {
				known++
			}
		}
		require.NoError(t, d.Err())
		assert.Greater(t, known, 100)
		assert.Less(t, known, 150)
	})
	t.Run("portals are bounded", func(t *testing.T) {
		d := prototest.NewDriver(postgres.New(nil))
		d.Data(protocol.FromClient, message("P", "s\x00SELECT a FROM t\x00\x00\x00"))
		for i := range 65 {
			d.Data(protocol.FromClient, message("B", fmt.Sprintf("p%d\x00s\x00\x00\x00\x00\x00\x00\x00", i)))
		}
		d.Data(protocol.FromClient, message("E", "p64\x00\x00\x00\x00\x00"))
		d.Data(protocol.FromClient, message("S", ""))
		d.Data(protocol.FromClient, message("E", "p0\x00\x00\x00\x00\x00"))
		d.Data(protocol.FromClient, message("S", ""))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 2)
		assert.Equal(t, "SELECT t", d.Records[0].Message.Name)
		assert.Equal(t, "EXECUTE", d.Records[1].Message.Name)
	})
	t.Run("neither statements nor rows are held", func(t *testing.T) {
		d := prototest.NewDriver(postgres.New(nil))
		query := message("Q", "SELECT "+strings.Repeat("x", 100_000)+"\x00")
		for _, c := range query {
			d.Data(protocol.FromClient, []byte{c})
			require.Less(t, d.Held(protocol.FromClient), 5)
		}
		d.Data(protocol.FromServer, message("D", strings.Repeat("y", 100_000)))
		require.Zero(t, d.Held(protocol.FromServer))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
	})
	t.Run("the text of a mixed batch is bounded", func(t *testing.T) {
		d := prototest.NewDriver(postgres.New(nil))
		for i := range 1000 {
			d.Data(protocol.FromClient, message("P", fmt.Sprintf("\x00SELECT a FROM t%d\x00\x00\x00", i)))
			d.Data(protocol.FromClient, message("B", "\x00\x00\x00\x00\x00\x00\x00\x00"))
			d.Data(protocol.FromClient, message("E", "\x00\x00\x00\x00\x00"))
		}
		d.Data(protocol.FromClient, message("S", ""))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		m := d.Records[0].Message
		assert.Equal(t, "BATCH", m.Name)
		for _, a := range m.Attributes {
			assert.LessOrEqual(t, len(a.Str), protocol.DefaultMaxStatement)
		}
	})
}

func FuzzParser(f *testing.F) {
	prototest.Fuzz(f, postgres.Protocol(), frame, "testdata/*.txtar")
}

func BenchmarkExchange(b *testing.B) {
	row := message("D", "\x00\x02\x00\x00\x00\x0217\x00\x00\x00\x05alice")
	rows := func(n int) []byte {
		out := append(message("2", ""), message("T", column)...)
		for range n {
			out = append(out, row...)
		}
		return append(append(out, message("C", "SELECT 1\x00")...), message("Z", "I")...)
	}
	execute := append(append(message("B", "\x00s1\x00\x00\x00\x00\x01\x00\x00\x00\x0217\x00\x00"),
		message("E", "\x00\x00\x00\x00\x00")...), message("S", "")...)
	for _, bench := range []struct {
		name              string
		request, response []byte
	}{
		{"simple", message("Q", "SELECT id, name FROM users WHERE id = 17\x00"), rows(1)},
		{"prepared", execute, rows(1)},
		{"prepared-100-rows", execute, rows(100)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p := postgres.New(nil)
			parse := func(dir protocol.Direction, data []byte) {
				for len(data) > 0 {
					step, err := p.Parse(dir, data)
					if err != nil || step.Consumed == 0 {
						b.Fatalf("%+v %v", step, err)
					}
					data = data[step.Consumed:]
				}
			}
			parse(protocol.FromClient, message("P", "s1\x00SELECT id, name FROM users WHERE id = $1\x00\x00\x00"))
			b.ReportAllocs()
			for b.Loop() {
				parse(protocol.FromClient, bench.request)
				parse(protocol.FromServer, bench.response)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/message")
		})
	}
}

package mysql_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/mysql"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
)

// frame encodes a packet, named by its number in the exchange.
func frame(name string, payload []byte) ([]byte, error) {
	seq, err := strconv.ParseUint(name, 10, 8)
	if err != nil {
		return nil, fmt.Errorf("number of a packet: %w", err)
	}
	n := len(payload)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(seq)}, payload...), nil
}

func packet(seq byte, payload string) []byte {
	b, _ := frame(strconv.Itoa(int(seq)), []byte(payload))
	return b
}

func TestGolden(t *testing.T) {
	prototest.Golden(t, mysql.Protocol(), frame, "testdata/*.txtar")
}

func TestCaptures(t *testing.T) {
	pcap.Golden(t, mysql.Protocol(), nil, "../testdata/pcap/mysql", "testdata/captures.golden")
}

func FuzzParser(f *testing.F) {
	prototest.Fuzz(f, mysql.Protocol(), frame, "testdata/*.txtar")
}

const (
	success  = "\x00\x00\x00\x02\x00\x00\x00"
	column   = "\x03def\x00\x00\x00\x02id\x00\x0c?\x00\x0b\x00\x00\x00\x03\x00\x00\x00\x00\x00"
	greeting = "\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00"
	reply    = "\x8d\xa6\x0f\x00\x00\x00\x00\x01\x2d"
)

func TestDetect(t *testing.T) {
	zeros := strings.Repeat("\x00", 23)
	tests := []struct {
		name string
		dir  protocol.Direction
		in   string
		want protocol.Verdict
	}{
		{"a reply to the greeting", protocol.FromClient, string(packet(1, reply+zeros+"bob\x00\x00")), protocol.Yes},
		{"a request for TLS", protocol.FromClient, string(packet(1, "\x8d\xae\x0f\x00\x00\x00\x00\x01\x2d"+zeros)), protocol.Yes},
		{"a reply of before 4.1", protocol.FromClient, string(packet(1, "\x8d\xa4\x0f\x00\x00\x00\x00\x01\x2d"+zeros)), protocol.No},
		{"a reply without zeros", protocol.FromClient, string(packet(1, reply+strings.Repeat("x", 30))), protocol.No},
		{"a query", protocol.FromClient, string(packet(0, "\x03select 1")), protocol.Yes},
		{"a query with attributes", protocol.FromClient, string(packet(0, "\x03\x00\x01select 1")), protocol.Yes},
		{"a query with an attribute", protocol.FromClient, string(packet(0, "\x03\x01\x01\x00\x01\xfe\x00\x01n\x01vselect 1")), protocol.Yes},
		{"a query with a broken attribute", protocol.FromClient, string(packet(0, "\x03\x01\x01\x00\x02\xfe\x00\x01n\x01vselect 1")), protocol.No},
		{"the beginning of a query", protocol.FromClient, "\x00\x10\x00\x00\x03SELECT *", protocol.Unsure},
		{"the beginning of a long query", protocol.FromClient, "\x00\x10\x00\x00\x03SELECT " + strings.Repeat("x, ", 30), protocol.Yes},
		{"a query of other bytes", protocol.FromClient, string(packet(0, "\x03\x7f\x01\x02")), protocol.No},
		{"a statement that is prepared", protocol.FromClient, string(packet(0, "\x16select ?")), protocol.Yes},
		{"a statement that is closed and one that is prepared", protocol.FromClient, string(packet(0, "\x19\x01\x00\x00\x00")) + string(packet(0, "\x16select ?")), protocol.Yes},
		{"a statement that is executed", protocol.FromClient, string(packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00")), protocol.Yes},
		{"one that is executed twice", protocol.FromClient, string(packet(0, "\x17\x01\x00\x00\x00\x00\x02\x00\x00\x00")), protocol.No},
		{"a ping", protocol.FromClient, string(packet(0, "\x0e")), protocol.Yes},
		{"a choice of a database", protocol.FromClient, string(packet(0, "\x02shop")), protocol.Unsure},
		{"quit", protocol.FromClient, string(packet(0, "\x01")), protocol.Unsure},
		{"a command of old", protocol.FromClient, string(packet(0, "\x05shop")), protocol.No},
		{"PostgreSQL's query as long as a statement's code", protocol.FromClient, "Q\x00\x00\x00\x16select 1 from orders\x00", protocol.No},
		{"FastCGI", protocol.FromClient, "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00", protocol.No},
		{"MongoDB", protocol.FromClient, "\x3f\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00", protocol.No},
		{"an empty packet", protocol.FromClient, "\x00\x00\x00\x00", protocol.No},
		{"nothing", protocol.FromClient, "", protocol.Unsure},

		{"a greeting", protocol.FromServer, string(packet(0, greeting)), protocol.Yes},
		{"a greeting without a version", protocol.FromServer, string(packet(0, "\x0aabc\x00")), protocol.No},
		{"a refusal", protocol.FromServer, string(packet(0, "\xff\x10\x04Too many connections")), protocol.Yes},
		{"a result", protocol.FromServer, string(packet(1, "\x01")) + string(packet(2, column)), protocol.Yes},
		{"a result without a definition", protocol.FromServer, string(packet(1, "\x01")) + string(packet(2, "abcdefgh")), protocol.No},
		{"a number alone", protocol.FromServer, string(packet(1, "\x01")), protocol.Unsure},
		{"success", protocol.FromServer, string(packet(1, success)), protocol.Unsure},
		{"an error", protocol.FromServer, string(packet(1, "\xff\x7a\x04#42S02no")), protocol.Yes},
		{"an error without a code", protocol.FromServer, string(packet(1, "\xff\x00\x00#42S02no")), protocol.No},
		{"PostgreSQL's readiness", protocol.FromServer, "Z\x00\x00\x00\x05I", protocol.No},
		{"PostgreSQL's parameter", protocol.FromServer, "S\x00\x00\x00\x0aTZ\x00UT\x00", protocol.No},
		{"HTTP", protocol.FromServer, "HTTP/1.1 200 OK\r\n", protocol.No},
		{"nothing from the server", protocol.FromServer, "", protocol.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, mysql.Detect(tt.dir, []byte(tt.in)))
		})
	}
	t.Run("no prefix of a packet is refused", func(t *testing.T) {
		p := mysql.Protocol()
		prototest.Detects(t, p, protocol.FromClient, packet(1, reply+zeros+"bob\x00\x00"))
		prototest.Detects(t, p, protocol.FromClient, packet(0, "\x03SELECT 1"))
		prototest.Detects(t, p, protocol.FromClient, packet(0, "\x03\x00\x01SELECT 1"))
		prototest.Detects(t, p, protocol.FromClient, packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"))
		prototest.Detects(t, p, protocol.FromServer, packet(0, greeting))
		prototest.Detects(t, p, protocol.FromServer, packet(1, "\xff\x7a\x04#42S02no"))
		prototest.Detects(t, p, protocol.FromServer, append(packet(1, "\x01"), packet(2, column)...))
	})
}

func TestBounds(t *testing.T) {
	t.Run("old statements make room for new ones", func(t *testing.T) {
		d := prototest.NewDriver(mysql.New(nil))
		id := func(i int) string { return string([]byte{byte(i), byte(i >> 8), 0, 0}) }
		for i := range 2000 {
			d.Data(protocol.FromClient, packet(0, fmt.Sprintf("\x16SELECT a FROM t%d", i)))
			d.Data(protocol.FromServer, packet(1, "\x00"+id(i)+"\x00\x00\x00\x00\x00\x00\x00"))
		}
		known := 0
		for i := range 2000 {
			d.Data(protocol.FromClient, packet(0, "\x17"+id(i)+"\x00\x01\x00\x00\x00"))
			require.NoError(t, d.Err())
			if name := d.Records[len(d.Records)-1].Message.Name; name != "EXECUTE" {
				require.Equal(t, fmt.Sprintf("SELECT t%d", i), name)
				known++
			}
			d.Data(protocol.FromServer, packet(1, success))
		}
		assert.Equal(t, 512, known)
	})
	t.Run("neither statements nor rows are held", func(t *testing.T) {
		d := prototest.NewDriver(mysql.New(nil))
		for _, c := range packet(0, "\x03SELECT "+strings.Repeat("x", 100_000)) {
			d.Data(protocol.FromClient, []byte{c})
			require.Less(t, d.Held(protocol.FromClient), 5)
		}
		d.Data(protocol.FromServer, packet(1, "\x01"))
		d.Data(protocol.FromServer, packet(2, column))
		d.Data(protocol.FromServer, packet(3, strings.Repeat("y", 100_000)))
		require.Zero(t, d.Held(protocol.FromServer))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
	})
	t.Run("more commands at once than any client sends are refused", func(t *testing.T) {
		d := prototest.NewDriver(mysql.New(nil))
		for range 65 {
			d.Data(protocol.FromClient, packet(0, "\x0e"))
		}
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 65)
		assert.Equal(t, "lost", d.Records[64].Note)
	})
}

func BenchmarkExchange(b *testing.B) {
	rows := func(n int) []byte {
		out := append(packet(1, "\x01"), packet(2, column)...)
		for i := range n {
			out = append(out, packet(byte(3+i), "\x0217")...)
		}
		return append(out, packet(byte(3+n), "\xfe\x00\x00\x02\x00\x00\x00")...)
	}
	for _, bench := range []struct {
		name              string
		request, response []byte
	}{
		{"simple", packet(0, "\x03SELECT id, name FROM users WHERE id = 17"), rows(1)},
		{"prepared", packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"), rows(1)},
		{"prepared-100-rows", packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"), rows(100)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p := mysql.New(nil)
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
				parse(protocol.FromClient, bench.request)
				parse(protocol.FromServer, bench.response)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/message")
		})
	}
}

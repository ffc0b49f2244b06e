package redis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest/pcap"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/redis"
)

func TestGolden(t *testing.T) {
	prototest.Golden(t, redis.Protocol(), nil, "testdata/*.txtar")
}

func TestCaptures(t *testing.T) {
	pcap.Golden(t, redis.Protocol(), nil, "../testdata/pcap/redis", "testdata/captures.golden")
}

func TestDetect(t *testing.T) {
	tests := []struct {
		name string
		dir  protocol.Direction
		in   string
		want protocol.Verdict
	}{
		{"a command", protocol.FromClient, "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", protocol.Yes},
		{"an inline command", protocol.FromClient, "ping\r\n", protocol.Yes},
		{"an inline command with arguments", protocol.FromClient, "CONFIG GET x\r\n", protocol.Yes},
		{"half an inline command", protocol.FromClient, "CONFIG GE", protocol.Unsure},
		{"an inline command that memcached has too", protocol.FromClient, "get key\r\n", protocol.No},
		{"nothing", protocol.FromClient, "", protocol.Unsure},
		{"half a header", protocol.FromClient, "*1", protocol.Unsure},
		{"a header without a number", protocol.FromClient, "*a\r\n", protocol.No},
		{"an empty command", protocol.FromClient, "*0\r\n", protocol.No},
		{"a null command", protocol.FromClient, "*-1\r\n", protocol.No},
		{"an argument that is no string", protocol.FromClient, "*1\r\n:1\r\n", protocol.No},
		{"an empty name", protocol.FromClient, "*1\r\n$0\r\n\r\n", protocol.No},
		{"a name of other bytes", protocol.FromClient, "*1\r\n$3\r\n\x00\x01\x02", protocol.No},
		{"a name too long", protocol.FromClient, "*1\r\n$40\r\n", protocol.No},
		{"HTTP", protocol.FromClient, "GET / HTTP/1.1\r\n", protocol.No},
		{"TLS", protocol.FromClient, "\x16\x03\x01", protocol.No},
		{"OK", protocol.FromServer, "+OK\r\n", protocol.Yes},
		{"a greeting of POP3", protocol.FromServer, "+OK POP3 ready\r\n", protocol.No},
		{"a line of MONITOR", protocol.FromServer, "+1339518083.107412 [0 lua] \"get\"\r\n", protocol.Yes},
		{"an error", protocol.FromServer, "-NOAUTH Authentication required.\r\n", protocol.Yes},
		{"a minus sign", protocol.FromServer, "-foo bar\r\n", protocol.No},
		{"a number", protocol.FromServer, ":-12\r\n", protocol.Yes},
		{"a string", protocol.FromServer, "$5\r\nhello\r\n", protocol.Yes},
		{"a null", protocol.FromServer, "$-1\r\n", protocol.Yes},
		{"an array", protocol.FromServer, "*1\r\n$5\r\nhello\r\n", protocol.Yes},
		{"an array of something else", protocol.FromServer, "*1\r\nhello\r\n", protocol.No},
		{"an empty array", protocol.FromServer, "*0\r\n", protocol.Yes},
		{"half an array", protocol.FromServer, "*1\r\n", protocol.Unsure},
		{"a push", protocol.FromServer, ">2\r\n+a\r\n", protocol.Yes},
		{"a truth value", protocol.FromServer, "#t\r\n", protocol.Yes},
		{"a null of version 3", protocol.FromServer, "_\r\n", protocol.Yes},
		{"a streamed chunk", protocol.FromServer, ";1\r\n", protocol.No},
		{"a word", protocol.FromServer, "STORED\r\n", protocol.No},
		{"nothing from the server", protocol.FromServer, "", protocol.Unsure},
		{"half a line", protocol.FromServer, "+OK", protocol.Unsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, redis.Detect(tt.dir, []byte(tt.in)))
		})
	}
	t.Run("no prefix of a message is refused", func(t *testing.T) {
		for _, in := range []string{"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n", "PING\r\n", "SUBSCRIBE a\r\n"} {
			prototest.Detects(t, redis.Protocol(), protocol.FromClient, []byte(in))
		}
		for _, in := range []string{"+OK\r\n", "-ERR x\r\n", ":17\r\n", "$-1\r\n", "*2\r\n:1\r\n:2\r\n", "%1\r\n+a\r\n+b\r\n"} {
			prototest.Detects(t, redis.Protocol(), protocol.FromServer, []byte(in))
		}
	})
}

func TestBounds(t *testing.T) {
	t.Run("a pipeline of one kind may be long", func(t *testing.T) {
		d := prototest.NewDriver(redis.New(nil))
		d.Data(protocol.FromClient, []byte(strings.Repeat("PING\r\n", 5000)))
		d.Data(protocol.FromServer, []byte(strings.Repeat("+PONG\r\n", 5000)))
		require.NoError(t, d.Err())
		assert.Len(t, d.Records, 10000)
	})
	t.Run("subscriptions without an answer are bounded", func(t *testing.T) {
		d := prototest.NewDriver(redis.New(nil))
		for range 2000 {
			d.Data(protocol.FromClient, []byte("*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"))
		}
		require.NoError(t, d.Err())
		assert.Len(t, d.Records, 1025, "1024 requests, then the frame is given up")
		assert.Equal(t, "lost", d.Records[1024].Note)
	})
	t.Run("arguments are not held", func(t *testing.T) {
		d := prototest.NewDriver(redis.New(&protocol.Options{RawStatements: true}))
		d.Data(protocol.FromClient, []byte("*3\r\n$3\r\nSET\r\n$1000000\r\n"))
		for range 1000 {
			d.Data(protocol.FromClient, []byte(strings.Repeat("x", 1000)))
			require.Zero(t, d.Held(protocol.FromClient))
		}
		d.Data(protocol.FromClient, []byte("\r\n$1\r\ny\r\n"))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		assert.Len(t, d.Records[0].Message.Attributes[2].Str, protocol.DefaultMaxStatement)
	})
	t.Run("subscriptions come and go without growth", func(t *testing.T) {
		d := prototest.NewDriver(redis.New(nil))
		for range 3000 {
			d.Data(protocol.FromClient, []byte("SUBSCRIBE a\r\n"))
			d.Data(protocol.FromServer, []byte("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"))
		}
		require.NoError(t, d.Err())
		assert.Len(t, d.Records, 6000)
	})
}

func FuzzParser(f *testing.F) {
	prototest.Fuzz(f, redis.Protocol(), nil, "testdata/*.txtar")
}

func BenchmarkExchange(b *testing.B) {
	for _, bench := range []struct{ name, request, reply string }{
		{"get", "*2\r\n$3\r\nGET\r\n$12\r\nuser:1234567\r\n", "$5\r\nalice\r\n"},
		{"list", "*4\r\n$6\r\nLRANGE\r\n$1\r\na\r\n$1\r\n0\r\n$2\r\n19\r\n", fmt.Sprintf("*20\r\n%s", strings.Repeat("$20\r\n01234567890123456789\r\n", 20))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p := redis.New(nil)
			parse := func(dir protocol.Direction, data []byte) {
				for {
					step, err := p.Parse(dir, data)
					if err != nil || step.Consumed+int(step.Skip) == 0 {
						b.Fatalf("%+v %v", step, err)
					}
					data = data[step.Consumed+int(step.Skip):]
					if step.Message != nil {
						return
					}
				}
			}
			request, reply := []byte(bench.request), []byte(bench.reply)
			b.ReportAllocs()
			for b.Loop() {
				parse(protocol.FromClient, request)
				parse(protocol.FromServer, reply)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/message")
		})
	}
}

package http1_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/internal/tracectx"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/http1"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

func TestGolden(t *testing.T) {
	prototest.Golden(t, http1.Protocol(), nil, "testdata/*.txtar")
}

func TestDetect(t *testing.T) {
	tests := []struct {
		name string
		dir  protocol.Direction
		in   string
		want protocol.Verdict
	}{
		{"a request", protocol.FromClient, "GET / HTTP/1.1\r\n", protocol.Yes},
		{"a request of HTTP/1.0 with bare line feeds", protocol.FromClient, "GET /a b HTTP/1.0\n", protocol.Yes},
		{"an unknown method with our version", protocol.FromClient, "PURGE /a HTTP/1.1\r\n", protocol.Yes},
		{"a request behind an empty line", protocol.FromClient, "\r\nGET / HTTP/1.1\r\n", protocol.Yes},
		{"a target longer than what is captured", protocol.FromClient, "GET /" + strings.Repeat("x", 600), protocol.Yes},
		{"a long line with an unknown method", protocol.FromClient, "BLUB /" + strings.Repeat("x", 600), protocol.Unsure},
		{"nothing", protocol.FromClient, "", protocol.Unsure},
		{"half a method", protocol.FromClient, "GE", protocol.Unsure},
		{"half a line", protocol.FromClient, "GET / HT", protocol.Unsure},
		{"HTTP/2", protocol.FromClient, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", protocol.No},
		{"the beginning of HTTP/2", protocol.FromClient, "PRI * HT", protocol.No},
		{"HTTP/0.9", protocol.FromClient, "GET /\r\n", protocol.No},
		{"RTSP", protocol.FromClient, "DESCRIBE rtsp://a/b RTSP/1.0\r\n", protocol.No},
		{"SIP", protocol.FromClient, "INVITE sip:a@b SIP/2.0\r\n", protocol.No},
		{"memcached", protocol.FromClient, "get key\r\n", protocol.No},
		{"Redis", protocol.FromClient, "*1\r\n$4\r\nPING\r\n", protocol.No},
		{"NATS", protocol.FromClient, "CONNECT {\"verbose\":false}\r\n", protocol.No},
		{"SMTP", protocol.FromClient, "QUIT\n", protocol.No},
		{"TLS", protocol.FromClient, "\x16\x03\x01\x00", protocol.No},
		{"control bytes in the target", protocol.FromClient, "GET \x00\x01", protocol.No},
		{"a line without a target", protocol.FromClient, "GET HTTP/1.1\r\n", protocol.No},
		{"a response", protocol.FromServer, "HTTP/1.1 200 OK\r\n", protocol.Yes},
		{"a response without a reason", protocol.FromServer, "HTTP/1.0 404\r\n", protocol.Yes},
		{"half a response", protocol.FromServer, "HTTP/1.1 2", protocol.Unsure},
		{"nothing from the server", protocol.FromServer, "", protocol.Unsure},
		{"a status that is none", protocol.FromServer, "HTTP/1.1 abc\r\n", protocol.No},
		{"another version", protocol.FromServer, "HTTP/2.0 200 OK\r\n", protocol.No},
		{"a greeting", protocol.FromServer, "220 smtp ready\r\n", protocol.No},
		{"a request from the server", protocol.FromServer, "GET / HTTP/1.1\r\n", protocol.No},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, http1.Detect(tt.dir, []byte(tt.in)))
		})
	}
	t.Run("no prefix of a message is refused", func(t *testing.T) {
		prototest.Detects(t, http1.Protocol(), protocol.FromClient, []byte("DELETE /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n"))
		prototest.Detects(t, http1.Protocol(), protocol.FromServer, []byte("HTTP/1.1 301 Moved\r\nHost: x\r\n\r\n"))
	})
}

func TestBounds(t *testing.T) {
	t.Run("pipelined requests without a response", func(t *testing.T) {
		d := prototest.NewDriver(http1.New(nil))
		for range 2000 {
			d.Data(protocol.FromClient, []byte("GET / HTTP/1.1\r\n\r\n"))
		}
		require.NoError(t, d.Err())
		assert.Len(t, d.Records, 1025, "1024 requests, then the frame is given up")
		assert.Equal(t, "lost", d.Records[1024].Note)
	})
	t.Run("values of captured headers", func(t *testing.T) {
		o := &protocol.Options{CaptureHeaders: []string{"x-a"}, ContextHeaders: []string{"x-a"}, MaxStatement: 100}
		d := prototest.NewDriver(http1.New(o))
		line := "X-A: " + strings.Repeat("v", 10_000) + "\r\n"
		d.Data(protocol.FromClient, []byte("GET / HTTP/1.1\r\n"+strings.Repeat("X-A: b\r\n", 100)+line+"\r\n"))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		m := d.Records[0].Message
		assert.Len(t, m.Headers, 64)
		assert.Len(t, m.Attributes[len(m.Attributes)-1].Strs, 64)
	})
	t.Run("the length of a captured value", func(t *testing.T) {
		o := &protocol.Options{CaptureHeaders: []string{"x-a"}, ContextHeaders: []string{"x-a"}, MaxStatement: 100}
		d := prototest.NewDriver(http1.New(o))
		d.Data(protocol.FromClient, []byte("GET / HTTP/1.1\r\nX-A: "+strings.Repeat("v", 10_000)+"\r\n\r\n"))
		require.NoError(t, d.Err())
		require.Len(t, d.Records, 1)
		m := d.Records[0].Message
		assert.Len(t, m.Headers[0].Value, 8192)
		assert.Len(t, m.Attributes[len(m.Attributes)-1].Strs[0], 100)
	})
	t.Run("the client is never made to hold more than a line", func(t *testing.T) {
		d := prototest.NewDriver(http1.New(nil))
		d.Data(protocol.FromClient, []byte("GET / HTTP/1.1\r\nA: "))
		for range 1000 {
			d.Data(protocol.FromClient, []byte(strings.Repeat("x", 100)))
			require.LessOrEqual(t, d.Held(protocol.FromClient), 33<<10)
		}
	})
}

func FuzzParser(f *testing.F) {
	prototest.Fuzz(f, http1.Protocol(), nil, "testdata/*.txtar")
}

func BenchmarkExchange(b *testing.B) {
	request := []byte("GET /api/v1/users/42?verbose=true HTTP/1.1\r\nHost: users.example:8080\r\n" +
		"User-Agent: Go-http-client/1.1\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n" +
		"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n")
	response := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 512\r\n" +
		"Date: Thu, 28 May 2020 02:29:03 GMT\r\n\r\n")
	p := http1.New(&protocol.Options{ContextHeaders: tracectx.NewReader(nil).HeaderNames()})
	parse := func(dir protocol.Direction, data []byte) {
		step, err := p.Parse(dir, data)
		if err != nil || step.Message == nil || step.Consumed != len(data) {
			b.Fatalf("%+v %v", step, err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		parse(protocol.FromClient, request)
		parse(protocol.FromServer, response)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/2, "ns/message")
}

func BenchmarkDetect(b *testing.B) {
	line := []byte("GET /api/v1/users/42?verbose=true HTTP/1.1\r\nHost: users.example:8080\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if http1.Detect(protocol.FromClient, line) != protocol.Yes {
			b.Fatal("not detected")
		}
	}
}

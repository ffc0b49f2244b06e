package conn

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/registry"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/simkernel"
)

// TestRealProtocols plays conversations of the protocols that the receiver knows
// on one table that has to tell them apart. A line of want is the name of a span
// and the attributes that matter, or what became of it.
func TestRealProtocols(t *testing.T) {
	chunk := "1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n"
	tests := []struct {
		name string
		play []string // C and S text alternate by their first letter
		want []string
	}{
		{
			"HTTP keep-alive", []string{
				"CGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
				"CGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"GET 200", "GET 404"},
		},
		{
			"an HTTP body that was not captured", []string{
				"CPOST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n", "C" + strings.Repeat("b", 9000),
				"SHTTP/1.1 201 Created\r\nContent-Length: 9000\r\n\r\n", "S" + strings.Repeat("b", 9000),
				"CGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"POST 201", "GET 200"},
		},
		{
			"a chunked response longer than what is captured", []string{
				"CGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", "S" + chunk, "S" + chunk, "S0\r\n\r\n",
				"CGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"GET 500", "GET 200"},
		},
		{
			"the same, and then silence", []string{
				"CGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n", "S" + chunk, "S" + chunk, "quiet",
			},
			[]string{"GET 500"},
		},
		{
			"a response that ends with the connection", []string{
				"CGET /a HTTP/1.0\r\n\r\n", "SHTTP/1.0 200 OK\r\n\r\n", "Sbody", "close",
			},
			[]string{"GET 200"},
		},
		{
			"HTTP 100-continue", []string{
				"CPOST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "SHTTP/1.1 100 Continue\r\n\r\n", "Cok",
				"SHTTP/1.1 204 No Content\r\n\r\n",
			},
			[]string{"POST 204"},
		},
		{
			"a HEAD has no body", []string{
				"CHEAD /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
				"CGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"HEAD 200", "GET 200"},
		},
		{
			"HTTP pipelining", []string{
				"CGET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
				"SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"GET 200", "GET 404"},
		},
		{
			"a request header longer than what is captured", []string{
				"CGET /a HTTP/1.1\r\nHost: x\r\nCookie: " + strings.Repeat("c", 6000) + "\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
				"CGET /b HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			},
			[]string{"GET 200", "GET 200"},
		},
		{
			"an upgrade", []string{
				"CGET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "SHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
				"C\x81\x02hi", "S\x81\x02ho", "close",
			},
			[]string{"GET 101", "? opaque"},
		},
		{
			"Redis, pipelined", []string{
				"C*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n", "S$1\r\n1\r\n+PONG\r\n", "C*2\r\n$3\r\nGET\r\n$1\r\nb\r\n", "S-ERR no\r\n",
			},
			[]string{"GET", "PING", "GET error"},
		},
		{
			"a Redis value longer than what is captured", []string{
				"C*3\r\n$3\r\nSET\r\n$1\r\na\r\n$9000\r\n", "C" + strings.Repeat("v", 9000) + "\r\n", "S+OK\r\n",
				"C*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "S$9000\r\n" + strings.Repeat("v", 9000) + "\r\n", "C*1\r\n$4\r\nPING\r\n", "S+PONG\r\n",
			},
			[]string{"SET", "GET", "PING"},
		},
		{
			"PostgreSQL", []string{
				"C" + pgStartup(), "S" + pg('R', "\x00\x00\x00\x00") + pg('Z', "I"),
				"C" + pg('Q', "SELECT 1 FROM item\x00"), "S" + pg('C', "SELECT 1\x00") + pg('Z', "I"),
				"C" + pg('Q', "BROKEN\x00"), "S" + pg('E', "SERROR\x00C42601\x00Msyntax\x00\x00") + pg('Z', "I"),
			},
			[]string{"? opaque", "SELECT item", "postgresql error"},
		},
		{
			"MySQL", []string{
				"S" + my(0, "\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff"), "C" + my(1, "\x8d\xa6\x0f\x00\x00\x00\x00\x01\x2d"+strings.Repeat("\x00", 23)+"me\x00\x00shop\x00"),
				"S" + my(2, myOK), "C" + my(0, "\x03SELECT 1 FROM item"), "S" + my(1, "\x01") + my(2, "\x03def") + my(3, "\x011") + my(4, "\xfe\x00\x00\x02\x00\x00\x00"),
				"C" + my(0, "\x03BROKEN"), "S" + my(1, "\xff\x28\x04#42000syntax"), "C" + my(0, "\x01"), "close",
			},
			[]string{"? opaque", "SELECT item", "mysql error", "? opaque"}, // the last is quit
		},
		{
			"FastCGI", []string{
				"C" + fcgiRequest, "S" + fcgi(6, "Content-type: text/html\r\n\r\n") + fcgi(3, fcgiDone),
				"C" + fcgiRequest, "S" + fcgi(6, "Status: 404 Not Found\r\n\r\n") + fcgi(3, fcgiDone),
			},
			[]string{"GET 200", "GET 404"},
		},
		{
			"FastCGI whose last record is read after the response", []string{
				"C" + fcgiRequest[:len(fcgiRequest)-8], "S" + fcgi(6, "Content-type: text/html\r\n\r\n") + fcgi(3, fcgiDone), "C" + fcgiRequest[len(fcgiRequest)-8:],
				"C" + fcgiRequest, "S" + fcgi(6, "Status: 404 Not Found\r\n\r\n") + fcgi(3, fcgiDone),
			},
			[]string{"GET 200", "GET 404"},
		},
		{
			"TLS", []string{
				"C\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "S\x16\x03\x03\x00\x7a\x02\x00", "C\x17\x03\x03\x00\x45abc", "S\x17\x03\x03\x00\x45abc", "close",
			},
			[]string{"? opaque", "? opaque"},
		},
	}
	for _, tt := range tests {
		for _, server := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s (server %v)", tt.name, server), func(t *testing.T) {
				w := newWorld(t, func(o *Options) { o.Protocols = registry.All() })
				s := w.Dial(w.thread, local, remote)
				if server {
					s = w.Accept(w.thread, local, remote)
				}
				for _, line := range tt.play {
					w.say(s, server, line)
				}
				w.tick(0)
				var got []string
				for i := range w.got {
					assert.False(t, w.got[i].Lossy, "%d", i)
					got = append(got, gist(&w.got[i]))
				}
				assert.Equal(t, tt.want, got)
			})
		}
	}
}

// say plays one line: a letter for who speaks and the text, or a word.
func (w *world) say(s *simkernel.Socket, server bool, line string) {
	switch {
	case line == "quiet" || line == "close":
		w.play(s, server, line)
	case (line[0] == 'C') == server:
		s.Read(w.thread, line[1:])
	default:
		s.Write(w.thread, line[1:])
	}
}

// gist is the name of an exchange and its HTTP status, or that it failed.
func gist(e *Exchange) string {
	if e.Opaque {
		return "? opaque"
	}
	text := e.RequestMessage.Name
	if e.ResponseMessage == nil {
		return text + " without response"
	}
	for _, a := range e.ResponseMessage.Attributes {
		if a.Key == "http.response.status_code" {
			return fmt.Sprintf("%s %d", text, a.Int)
		}
	}
	if e.ResponseMessage.Status == protocol.StatusError {
		return text + " error"
	}
	return text
}

// pg frames a PostgreSQL message: kind, length of the rest, body.
func pg(kind byte, body string) string {
	n := len(body) + 4
	return string([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + body
}

// my frames a packet of MySQL: length, number, body.
func my(seq byte, body string) string {
	return string([]byte{byte(len(body)), byte(len(body) >> 8), 0, seq}) + body
}

const myOK = "\x00\x00\x00\x02\x00\x00\x00"

// fcgi frames a record of FastCGI: type, body.
func fcgi(kind byte, body string) string {
	return string([]byte{1, kind, 0, 1, 0, byte(len(body)), 0, 0}) + body
}

const (
	fcgiDone    = "\x00\x00\x00\x00\x00\x00\x00\x00"
	fcgiRequest = "\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00" +
		"\x01\x04\x00\x01\x00\x13\x00\x00\x0e\x03REQUEST_METHODGET\x01\x04\x00\x01\x00\x00\x00\x00\x01\x05\x00\x01\x00\x00\x00\x00"
)

func pgStartup() string {
	body := "\x00\x03\x00\x00user\x00me\x00database\x00shop\x00\x00"
	n := len(body) + 4
	return string([]byte{0, 0, byte(n >> 8), byte(n)}) + body
}

// TestRealProtocolsMetInTheMiddle joins conversations of connections that existed
// before tracing, whose role nobody knows.
func TestRealProtocolsMetInTheMiddle(t *testing.T) {
	tests := []struct {
		name string
		play []string
		want string
	}{
		{"HTTP", []string{"CGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "GET 200"},
		{"HTTP in a response", []string{"Sbody", "CGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "SHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "GET 200"},
		{"Redis", []string{"C*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "S$1\r\n1\r\n", "C*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "S$1\r\n1\r\n"}, "GET"},
		{"PostgreSQL", []string{"C" + pg('Q', "SELECT 1 FROM item\x00"), "S" + pg('C', "SELECT 1\x00") + pg('Z', "I")}, "SELECT item"},
		{"MySQL", []string{"C" + my(0, "\x03SELECT 1 FROM item"), "S" + my(1, myOK)}, "SELECT item"},
		{"FastCGI", []string{"C" + fcgiRequest, "S" + fcgi(6, "Content-type: text/html\r\n\r\n") + fcgi(3, fcgiDone)}, "GET 200"},
	}
	for _, tt := range tests {
		for _, server := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s (server %v)", tt.name, server), func(t *testing.T) {
				w := newWorld(t, func(o *Options) { o.Protocols = registry.All() })
				s := w.Existing(local, remote)
				for range 2 {
					for _, line := range tt.play {
						w.say(s, server, line)
					}
				}
				require.NotEmpty(t, w.got)
				last := &w.got[len(w.got)-1]
				assert.Equal(t, tt.want, gist(last))
				assert.Equal(t, server, last.Server())
			})
		}
	}
}

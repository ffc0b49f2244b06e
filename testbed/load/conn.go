package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/otelcol-custom/otelcol-custom/testbed/truth"
)

// IDMark stands for the token in a Target's path and headers.
const IDMark = "{id}"

// errStatus is a reply that says that the server failed.
var errStatus = errors.New("status")

// Target is one kind of request.
type Target struct {
	Class   string
	Weight  int    // share of the requests, relative to the other targets
	Path    string // with IDMark where the token goes
	Headers map[string]string
}

// message is a request ready to be sent but for its token.
type message struct {
	class string
	bytes []byte
	holes []int // where the token goes
}

func newMessage(host string, t Target) message {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", t.Path, host)
	for k, v := range t.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", k, v)
	}
	b.WriteString("\r\n")
	text := strings.ReplaceAll(b.String(), IDMark, truth.Token(0).String())
	m := message{class: t.Class, bytes: []byte(text)}
	zero := truth.Token(0).String()
	for from := 0; ; {
		i := strings.Index(text[from:], zero)
		if i < 0 {
			return m
		}
		m.holes = append(m.holes, from+i)
		from += i + truth.Width
	}
}

// conn is one connection to the server, used by one request at a time.
type conn struct {
	net.Conn
	in  *bufio.Reader
	out []byte

	used     bool // a request has been answered on it
	replying bool // some of the reply to the present request has arrived
}

func newConn(c net.Conn) *conn { return &conn{Conn: c, in: bufio.NewReaderSize(c, 4096)} }

// port returns our end's port, or 0 if the connection is not TCP.
func (c *conn) port() int {
	if a, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// do sends m with token t and reads the whole reply. It reports the status and
// whether the connection can be used again. A status from 400 on is an error.
func (c *conn) do(m *message, t truth.Token, timeout time.Duration) (status int, again bool, err error) {
	c.out, c.replying = append(c.out[:0], m.bytes...), false
	for _, at := range m.holes {
		t.Append(c.out[:at])
	}
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return 0, false, fmt.Errorf("set deadline: %w", err)
	}
	if _, err := c.Write(c.out); err != nil {
		return 0, false, fmt.Errorf("write: %w", err)
	}
	status, again, err = c.reply()
	if err != nil {
		return status, false, fmt.Errorf("read: %w", err)
	}
	c.used = true
	if status >= http.StatusBadRequest {
		return status, again, fmt.Errorf("%w %d", errStatus, status)
	}
	return status, again, nil
}

func (c *conn) reply() (status int, again bool, err error) {
	line, err := c.in.ReadSlice('\n')
	c.replying = len(line) > 0
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, false, fmt.Errorf("status line %q", line)
	}
	again = line[7] == '1'
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, fmt.Errorf("status line %q", line)
	}
	length, chunked := int64(-1), false
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return status, false, err
		}
		name, value, found := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
		if !found {
			break
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return status, false, fmt.Errorf("content length %q", value)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			again = !bytes.EqualFold(value, []byte("close"))
		}
	}
	return status, again && (chunked || length >= 0), c.body(status, length, chunked)
}

// body reads and forgets the body. One without a length ends with the connection.
func (c *conn) body(status int, length int64, chunked bool) error {
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified:
		return nil
	case chunked:
		return c.chunks()
	case length >= 0:
		_, err := io.CopyN(io.Discard, c.in, length)
		return err
	default:
		_, err := io.Copy(io.Discard, c.in)
		return err
	}
}

func (c *conn) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
		n, err := strconv.ParseInt(size, 16, 63)
		if err != nil {
			return fmt.Errorf("chunk size %q", line)
		}
		if _, err := io.CopyN(io.Discard, c.in, n+2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// Command record writes down what a real client and a real server say to each
// other, in the form of the golden files: it listens, passes everything on to
// the server and prints the conversation of one connection when that ends: the
// first, or the one behind those that -skip passes over.
//
//	go run ./receiver/ebpfreceiver/internal/protocol/prototest/record -to 127.0.0.1:6379 -name "SET and GET" >> recorded.txtar
//	redis-cli -p 7000 set a b
//	PROTOTEST_UPDATE=1 go test ./receiver/ebpfreceiver/internal/protocol/redis
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol"
	"github.com/otelcol-custom/otelcol-custom/receiver/ebpfreceiver/internal/protocol/prototest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7000", "address that the client connects to")
	to := flag.String("to", "", "address of the server")
	name := flag.String("name", "recorded", "name of the conversation")
	skip := flag.Int("skip", 0, "connections to pass on without recording them")
	flag.Parse()
	if err := run(*listen, *to, *name, *skip); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen, to, name string, skip int) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer l.Close()
	c, err := record(l, to, skip)
	if err != nil {
		return err
	}
	fmt.Printf("-- %s --\n%s-- messages --\n", name, c)
	return nil
}

// record passes connections on and returns what was said on the one behind the
// first skip.
func record(l net.Listener, to string, skip int) (prototest.Conversation, error) {
	for {
		client, err := l.Accept()
		if err != nil {
			return nil, fmt.Errorf("accept: %w", err)
		}
		if skip == 0 {
			return pass(client, to)
		}
		skip--
		go pass(client, to) //nolint:errcheck // not the one that is asked for
	}
}

// pass passes one connection on until both ends have finished.
func pass(client net.Conn, to string) (prototest.Conversation, error) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer server.Close()

	t := &tape{}
	var both sync.WaitGroup
	both.Go(func() { t.pass(protocol.FromClient, client, server) })
	both.Go(func() { t.pass(protocol.FromServer, server, client) })
	both.Wait()
	return t.conversation, t.err
}

// tape is what was recorded so far.
type tape struct {
	mu           sync.Mutex
	conversation prototest.Conversation
	err          error
}

// pass copies one direction until it ends. Bytes are written down before they
// are passed on, so that an answer never comes before its question.
func (t *tape) pass(dir protocol.Direction, from, to net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			t.add(prototest.Event{Dir: dir, Data: append([]byte(nil), buf[:n]...)})
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = errors.Join(err, werr)
			}
		}
		if err != nil {
			t.end(dir, err)
			closeWrite(to)
			return
		}
	}
}

func (t *tape) add(e prototest.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conversation = append(t.conversation, e)
}

func (t *tape) end(dir protocol.Direction, err error) {
	t.add(prototest.Event{Dir: dir, Close: true})
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = errors.Join(t.err, err)
}

// closeWrite tells the other end that nothing follows.
func closeWrite(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

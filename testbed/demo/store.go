package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// memory is a key-value store that speaks enough of the Redis protocol for the
// demo: GET, SET and INCR.
type memory struct {
	mu     sync.Mutex
	values map[string]string
}

func store(ctx context.Context) error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	m := &memory{values: map[string]string{"price:tea": "3", "price:coffee": "4"}}
	fmt.Println("ready")
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_ = m.serve(bufio.NewReader(conn), conn)
		}()
	}
}

func (m *memory) serve(in *bufio.Reader, out io.Writer) error {
	for {
		words, err := readCommand(in)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, m.answer(words)); err != nil {
			return err
		}
	}
}

// readCommand reads one array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	count, err := readLength(in, "*")
	if err != nil {
		return nil, err
	}
	var words []string
	for range count {
		n, err := readLength(in, "$")
		if err != nil {
			return nil, err
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		words = append(words, string(b[:n]))
	}
	return words, nil
}

func readLength(in *bufio.Reader, prefix string) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
	n, err := strconv.Atoi(text)
	if !ok || err != nil || n < 0 || n > 4096 {
		return 0, fmt.Errorf("not a command: %q", line)
	}
	return n, nil
}

func (m *memory) answer(words []string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(words) == 2 && words[0] == "GET":
		value, ok := m.values[words[1]]
		if !ok {
			return "$-1\r\n"
		}
		return fmt.Sprintf("$%d\r\n%s\r\n", len(value), value)
	case len(words) == 3 && words[0] == "SET":
		m.values[words[1]] = words[2]
		return "+OK\r\n"
	case len(words) == 2 && words[0] == "INCR":
		n, _ := strconv.Atoi(m.values[words[1]])
		m.values[words[1]] = strconv.Itoa(n + 1)
		return fmt.Sprintf(":%d\r\n", n+1)
	default:
		return "-ERR unknown command\r\n"
	}
}

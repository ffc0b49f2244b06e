package badday_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// churn makes as many connections to itself as each line of its input says and
// then writes how many of them carried a request.
func churn() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var open sync.WaitGroup
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				serveChurn(c)
				open.Done()
			}()
		}
	}()
	fmt.Println(listener.Addr())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n, err := strconv.Atoi(in.Text())
		if err != nil {
			return err
		}
		open.Add(n)
		requests, err := dialMany(listener.Addr(), n)
		if err != nil {
			return err
		}
		open.Wait()
		fmt.Println(requests)
	}
	return listener.Close()
}

// A connection ends in one of these ways. One in sayEvery carries a request before.
const (
	clientEnds  = iota
	serverEnds  // it is asked to; only with a request
	clientReset // after the reply
	endings
)

const sayEvery = 8

const (
	keptRequest  = "GET /kept HTTP/1.1\r\nHost: churn\r\n\r\n"
	endedRequest = "GET /done HTTP/1.1\r\nHost: churn\r\nConnection: close\r\n\r\n"
	churnReply   = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
)

// serveChurn answers one request and waits for the other side to end, unless it is
// to end itself.
func serveChurn(c net.Conn) {
	defer c.Close()
	request := make([]byte, 256)
	n, err := c.Read(request)
	if err != nil {
		return
	}
	if _, err := io.WriteString(c, churnReply); err != nil || string(request[:n]) == endedRequest {
		return
	}
	_, _ = c.Read(request)
}

// dialMany makes n connections to address, some at a time. So that ports last, they
// come from many addresses of the loopback.
func dialMany(address net.Addr, n int) (requests int64, err error) {
	const workers = 8
	var (
		wait   sync.WaitGroup
		asked  atomic.Int64
		failed = make(chan error, workers)
	)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				from := &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%100))}
				said := i/workers%sayEvery == 0
				err := dialOnce(from, address, i%endings, said)
				if err != nil {
					failed <- err
					return
				}
				if said {
					asked.Add(1)
				}
			}
		})
	}
	wait.Wait()
	close(failed)
	for e := range failed {
		err = errors.Join(err, e)
	}
	return asked.Load(), err
}

func dialOnce(from *net.TCPAddr, to net.Addr, ending int, say bool) error {
	dialer := net.Dialer{LocalAddr: from}
	c, err := dialer.DialContext(context.Background(), "tcp", to.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if say {
		if err := askOnce(c, ending); err != nil {
			return err
		}
	}
	if ending == clientReset {
		return c.(*net.TCPConn).SetLinger(0)
	}
	return nil
}

func askOnce(c net.Conn, ending int) error {
	request := keptRequest
	if ending == serverEnds {
		request = endedRequest
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	reply := make([]byte, len(churnReply))
	if _, err := io.ReadFull(c, reply); err != nil {
		return err
	}
	if ending == serverEnds {
		_, _ = c.Read(reply)
	}
	return nil
}

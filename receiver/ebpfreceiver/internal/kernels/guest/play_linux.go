package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Where the traced programs listen: the relay on IPv4, the server on IPv6.
const (
	relayAddress  = "127.0.0.1:8001"
	serverAddress = "[::1]:8002"
)

// requests is how many the client makes in one case, one after the other.
const requests = 12

func path(i int) string { return fmt.Sprintf("/request/%d", i) }

// play is a traced program. It says "ready", waits for a line on standard input,
// and does its part. Standard input ends when it has to.
func play(role string) error {
	switch role {
	case "server":
		return playServer()
	case "relay":
		return playRelay()
	case "client":
		return playClient()
	}
	return fmt.Errorf("no role %q", role)
}

func ready() error {
	fmt.Println("ready")
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// playServer answers by the standard library: a goroutine per connection.
func playServer() error {
	listener, err := net.Listen("tcp", serverAddress)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path)
	})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if err := ready(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	if err := server.Close(); err != nil {
		return err
	}
	if err := <-done; err != http.ErrServerClosed {
		return err
	}
	return nil
}

func playClient() error {
	if err := ready(); err != nil {
		return err
	}
	d := &dialer{}
	client := &http.Client{Transport: &http.Transport{DialContext: d.dial}}
	defer client.CloseIdleConnections()
	for i := range requests {
		if i == requests-1 {
			if err := d.lose(time.Second); err != nil {
				return err
			}
		}
		if err := ask(client, i); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
	}
	return nil
}

// dialer knows the connection that it made.
type dialer struct{ raw syscall.RawConn }

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.raw, err = c.(*net.TCPConn).SyscallConn()
	return c, err
}

// lose drops what comes in on the connection for a while.
func (d *dialer) lose(length time.Duration) error {
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	var failed error
	err := d.raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	time.AfterFunc(length, func() {
		_ = d.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0) })
	})
	return errors.Join(err, failed)
}

func ask(client *http.Client, i int) error {
	response, err := client.Get("http://" + relayAddress + path(i))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if string(body) != path(i) {
		return fmt.Errorf("got %q", body)
	}
	return nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// relay is an event loop with one worker thread, made of plain system calls: the
// loop reads a request, wakes the worker by a futex, the worker calls the server
// and wakes the loop by an eventfd, the loop writes the reply. Every edge that the
// programs follow is in it, in an order that does not vary.
type relay struct {
	listener, client, server int
	epoll, event             int
	worker                   int           // thread id
	word                     atomic.Uint32 // 1: request is set
	request, reply           []byte
	done                     chan error
}

func playRelay() error {
	runtime.LockOSThread()
	r := &relay{done: make(chan error, 1)}
	if err := r.open(); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	tid := make(chan int)
	go r.work(tid)
	r.worker = <-tid
	if err := r.connect(); err != nil {
		return err
	}
	err := r.loop()
	r.hand(nil) // ends the worker
	return errors.Join(err, <-r.done)
}

func (r *relay) open() (err error) {
	if r.listener, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return err
	}
	if err = unix.SetsockoptInt(r.listener, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if err = unix.Bind(r.listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 8001}); err != nil {
		return err
	}
	if err = unix.Listen(r.listener, 8); err != nil {
		return err
	}
	if r.event, err = unix.Eventfd(0, 0); err != nil {
		return err
	}
	r.epoll, err = unix.EpollCreate1(0)
	return err
}

// connect opens the connection to the server and takes the client's.
func (r *relay) connect() (err error) {
	if r.server, err = unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0); err != nil {
		return err
	}
	if err = unix.Connect(r.server, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: 8002}); err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	if r.client, _, err = unix.Accept(r.listener); err != nil {
		return err
	}
	for _, fd := range []int{r.client, r.event} {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
			return err
		}
	}
	return nil
}

// loop ends with the client's connection.
func (r *relay) loop() error {
	buffer := make([]byte, 4096)
	for {
		fd, err := r.wait()
		if err != nil {
			return err
		}
		if fd == r.event {
			if _, err := unix.Read(r.event, buffer[:8]); err != nil {
				return err
			}
			if _, err := unix.Write(r.client, r.reply); err != nil {
				return err
			}
			continue
		}
		if err := r.untilAsleep(); err != nil {
			return err
		}
		n, err := unix.Read(r.client, buffer)
		if err != nil || n == 0 {
			return err
		}
		if !bytes.HasSuffix(buffer[:n], []byte("\r\n\r\n")) {
			return fmt.Errorf("a request in pieces: %q", buffer[:n])
		}
		r.hand(buffer[:n])
	}
}

func (r *relay) wait() (int, error) {
	events := make([]unix.EpollEvent, 1)
	for {
		n, err := unix.EpollWait(r.epoll, events, -1)
		if n == 1 {
			return int(events[0].Fd), nil
		}
		if err != nil && err != unix.EINTR {
			return 0, err
		}
	}
}

// hand gives the worker a request, or nil to end it.
func (r *relay) hand(request []byte) {
	r.request = request
	r.word.Store(1)
	r.futex(futexWake, 1)
}

const futexWait, futexWake = 0, 1

func (r *relay) futex(operation, value int) {
	// Errors say that the word has changed or nobody waits: the callers look again.
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&r.word)), uintptr(operation), uintptr(value), 0, 0, 0)
}

func (r *relay) work(tid chan<- int) {
	runtime.LockOSThread()
	tid <- unix.Gettid()
	for {
		for r.word.Load() == 0 {
			r.futex(futexWait, 0)
		}
		r.word.Store(0)
		if r.request == nil {
			r.done <- nil
			return
		}
		if err := r.call(); err != nil {
			r.done <- err
			return
		}
	}
}

func (r *relay) call() error {
	if _, err := unix.Write(r.server, r.request); err != nil {
		return err
	}
	buffer := make([]byte, 4096)
	n, err := unix.Read(r.server, buffer)
	if err != nil {
		return err
	}
	r.reply = buffer[:n]
	_, err = unix.Write(r.event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	return err
}

// untilAsleep waits until the worker sleeps on the futex word.
func (r *relay) untilAsleep() error {
	asleep := fmt.Sprintf("%d 0x%x ", unix.SYS_FUTEX, uintptr(unsafe.Pointer(&r.word)))
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", r.worker))
		if err == nil && strings.HasPrefix(string(b), asleep) {
			return nil
		}
		runtime.Gosched()
	}
	return fmt.Errorf("thread %d never slept", r.worker)
}

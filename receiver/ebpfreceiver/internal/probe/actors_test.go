package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// actors are the programs under trace. Each does its part with raw system calls
// and says on stdout, as JSON, what it did: the truth that tests compare with.
func actors() map[string]func() (any, error) {
	out := map[string]func() (any, error){
		"large":     actLarge,
		"refused":   actRefused,
		"loss":      actLoss,
		"giveup":    actGiveUp,
		"futex":     actFutex,
		"relay":     actRelay,
		"eventfd":   actWakeFD(openEventfd),
		"pipe":      actWakeFD(openPipe),
		"pair":      actWakeFD(openPair),
		"tick":      actTick,
		"goroutine": actGoroutine,
		"fork":      actFork,
		"clone":     actClone,
		"many":      actMany,
		"listen":    actListen,
		"peek":      actPeek,
		"threads":   actThreads,
		"handoffs":  actManyHandoffs,
		"echo":      actEcho,
		"calls":     actCalls,
		"turns":     actTurns,
		"fin":       actFin,
		"reset":     actReset,
		"cut off":   actCutOff,
	}
	for name := range precedings() {
		out[name] = actPreceding
	}
	out["preceding: futex"] = func() (any, error) { return futexAfter(precedingPair) }
	for name, write := range writers {
		for readName, read := range readers {
			out["io:"+name+":"+readName+":4"] = actIO("127.0.0.1", write, read)
			out["io:"+name+":"+readName+":6"] = actIO("::1", write, read)
		}
	}
	return out
}

func runActor(name string) error {
	act, ok := actors()[name]
	if !ok {
		return fmt.Errorf("no actor %q", name)
	}
	var before *pair
	if connect := precedings()[name]; connect != nil {
		var err error
		if before, err = connect(); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	precedingPair = before
	result, err := act()
	if err != nil {
		return fmt.Errorf("actor %s: %w", name, err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // the test says when to exit
	return err
}

// pair is the two ends of a TCP connection, both held by this process.
type pair struct{ client, server, listener int }

func sockaddr(addr string) (int, unix.Sockaddr) {
	if strings.Contains(addr, ":") {
		return unix.AF_INET6, &unix.SockaddrInet6{Addr: [16]byte{15: 1}}
	}
	return unix.AF_INET, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
}

func connect(addr string) (*pair, error) { return connectFrom(addr, 128, nil) }

// connectFrom connects to a listener with a queue of that length, from a socket bound
// to source if that is not nil.
func connectFrom(addr string, backlog int, source unix.Sockaddr) (*pair, error) {
	family, sa := sockaddr(addr)
	listener, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(listener, sa); err != nil {
		return nil, err
	}
	if err := unix.Listen(listener, backlog); err != nil {
		return nil, err
	}
	bound, err := unix.Getsockname(listener)
	if err != nil {
		return nil, err
	}
	client, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	if source != nil {
		if err := unix.Bind(client, source); err != nil {
			return nil, err
		}
	}
	if err := unix.Connect(client, bound); err != nil {
		return nil, err
	}
	server, _, err := unix.Accept(listener)
	return &pair{client, server, listener}, err
}

func (p *pair) close() {
	for _, fd := range []int{p.client, p.server, p.listener} {
		unix.Close(fd)
	}
}

type writer func(fd int, b []byte) (int, error)
type reader func(fd int, b []byte) (int, error)

func iovecs(b []byte, n int) []unix.Iovec {
	var out []unix.Iovec
	for i := range n {
		part := b[i*len(b)/n : (i+1)*len(b)/n]
		if len(part) == 0 {
			continue
		}
		v := unix.Iovec{Base: &part[0]}
		v.SetLen(len(part))
		out = append(out, v)
	}
	return out
}

func msghdr(vs []unix.Iovec) unix.Msghdr {
	h := unix.Msghdr{Iov: &vs[0]}
	h.SetIovlen(len(vs))
	return h
}

type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

func syscallN(nr, a, b, c, d, e, f uintptr) (int, error) {
	r, _, errno := unix.Syscall6(nr, a, b, c, d, e, f)
	if errno != 0 {
		return int(r), errno
	}
	return int(r), nil
}

// mmsg moves b as two messages and returns the bytes moved.
func mmsg(nr uintptr, fd int, b []byte) (int, error) {
	first, second := iovecs(b[:len(b)/2], 1), iovecs(b[len(b)/2:], 1)
	ms := []mmsghdr{{hdr: msghdr(first)}, {hdr: msghdr(second)}}
	n, err := syscallN(nr, uintptr(fd), uintptr(unsafe.Pointer(&ms[0])), 2, 0, 0, 0)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, m := range ms[:n] {
		total += int(m.len)
	}
	runtime.KeepAlive(b)
	return total, nil
}

func memfd(b []byte) (int, error) {
	fd, err := unix.MemfdCreate("payload", 0)
	if err != nil {
		return 0, err
	}
	if _, err := unix.Write(fd, b); err != nil {
		return 0, err
	}
	_, err = unix.Seek(fd, 0, 0)
	return fd, err
}

var writers = map[string]writer{
	"write":  unix.Write,
	"writev": func(fd int, b []byte) (int, error) { return unix.Writev(fd, split(b, 3)) },
	"sendto": func(fd int, b []byte) (int, error) { return len(b), unix.Sendto(fd, b, 0, nil) },
	"sendmsg": func(fd int, b []byte) (int, error) {
		vs := iovecs(b, 2)
		h := msghdr(vs)
		return syscallN(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), 0, 0, 0, 0)
	},
	"sendmmsg": func(fd int, b []byte) (int, error) { return mmsg(unix.SYS_SENDMMSG, fd, b) },
	"pwritev2": func(fd int, b []byte) (int, error) {
		vs := iovecs(b, 2)
		return syscallN(unix.SYS_PWRITEV2, uintptr(fd), uintptr(unsafe.Pointer(&vs[0])), 2, ^uintptr(0), ^uintptr(0), 0)
	},
	"sendfile": func(fd int, b []byte) (int, error) {
		in, err := memfd(b)
		if err != nil {
			return 0, err
		}
		defer unix.Close(in)
		return unix.Sendfile(fd, in, nil, len(b))
	},
	"splice": func(fd int, b []byte) (int, error) {
		var p [2]int
		if err := unix.Pipe(p[:]); err != nil {
			return 0, err
		}
		defer unix.Close(p[0])
		defer unix.Close(p[1])
		if _, err := unix.Write(p[1], b); err != nil {
			return 0, err
		}
		n, err := unix.Splice(p[0], nil, fd, nil, len(b), 0)
		return int(n), err
	},
}

func split(b []byte, n int) [][]byte {
	var out [][]byte
	for i := range n {
		out = append(out, b[i*len(b)/n:(i+1)*len(b)/n])
	}
	return out
}

var readers = map[string]reader{
	"read":  unix.Read,
	"readv": func(fd int, b []byte) (int, error) { return unix.Readv(fd, split(b, 3)) },
	"recvfrom": func(fd int, b []byte) (int, error) {
		n, _, err := unix.Recvfrom(fd, b, 0)
		return n, err
	},
	"recvmsg": func(fd int, b []byte) (int, error) {
		vs := iovecs(b, 2)
		h := msghdr(vs)
		return syscallN(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), 0, 0, 0, 0)
	},
	"recvmmsg": func(fd int, b []byte) (int, error) { return mmsg(unix.SYS_RECVMMSG, fd, b) },
	"trunc": func(fd int, b []byte) (int, error) {
		n, _, err := unix.Recvfrom(fd, b, unix.MSG_TRUNC)
		return n, err
	},
	"splice": func(fd int, b []byte) (int, error) {
		var p [2]int
		if err := unix.Pipe(p[:]); err != nil {
			return 0, err
		}
		defer unix.Close(p[0])
		defer unix.Close(p[1])
		n, err := unix.Splice(fd, nil, p[1], nil, len(b), 0)
		if err != nil {
			return 0, err
		}
		return unix.Read(p[0], b[:n])
	},
}

// ioTruth is what an actor of the io family did.
type ioTruth struct {
	TID      int
	Messages []string
	Written  []int // per write
	Read     []int // per read
}

// actIO sends two requests and gets two replies over one connection.
func actIO(addr string, write writer, read reader) func() (any, error) {
	return func() (any, error) {
		runtime.LockOSThread()
		p, err := connect(addr)
		if err != nil {
			return nil, err
		}
		defer p.close()
		truth := ioTruth{TID: unix.Gettid()}
		for i := range 2 {
			for _, way := range []struct{ from, to int }{{p.client, p.server}, {p.server, p.client}} {
				message := fmt.Sprintf("message %d: %s", i, strings.Repeat("x", 100*(i+1)))
				truth.Messages = append(truth.Messages, message)
				n, err := write(way.from, []byte(message))
				if err != nil {
					return nil, fmt.Errorf("write: %w", err)
				}
				truth.Written = append(truth.Written, n)
				buffer := make([]byte, n)
				for n > 0 {
					got, err := read(way.to, buffer[:n])
					if err != nil {
						return nil, fmt.Errorf("read: %w", err)
					}
					truth.Read = append(truth.Read, got)
					n -= got
				}
			}
		}
		return truth, nil
	}
}

// actLarge fills the socket with non-blocking writes until EAGAIN, then drains.
func actLarge() (any, error) {
	runtime.LockOSThread()
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	defer p.close()
	if err := errors.Join(unix.SetNonblock(p.client, true), unix.SetNonblock(p.server, true)); err != nil {
		return nil, err
	}
	truth := ioTruth{TID: unix.Gettid()}
	chunk := []byte(strings.Repeat("0123456789abcdef", 4096))
	for {
		n, err := unix.Write(p.client, chunk)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			return nil, err
		}
		truth.Written = append(truth.Written, n)
	}
	for {
		n, err := unix.Read(p.server, chunk)
		if err == unix.EAGAIN {
			return truth, nil
		}
		if err != nil {
			return nil, err
		}
		truth.Read = append(truth.Read, n)
	}
}

func actPeek() (any, error) {
	runtime.LockOSThread()
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	defer p.close()
	if _, err := unix.Write(p.client, []byte("hello")); err != nil {
		return nil, err
	}
	b := make([]byte, 16)
	for range 3 {
		if _, _, err := unix.Recvfrom(p.server, b, unix.MSG_PEEK); err != nil {
			return nil, err
		}
	}
	n, err := unix.Read(p.server, b)
	return ioTruth{Messages: []string{"hello"}, Written: []int{5}, Read: []int{n}}, err
}

func actRefused() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	sa, err := unix.Getsockname(p.listener)
	if err != nil {
		return nil, err
	}
	p.close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sa); err != unix.ECONNREFUSED {
		return nil, fmt.Errorf("want a refused connection, got %v", err)
	}
	return sa.(*unix.SockaddrInet4).Port, nil
}

// handoffTruth names the thread that handed over and the one that was handed to.
type handoffTruth struct{ From, To, IO int }

func futex(addr *uint32, op int, value uint32) error {
	_, err := syscallN(unix.SYS_FUTEX, uintptr(unsafe.Pointer(addr)), uintptr(op), uintptr(value), 0, 0, 0)
	return err
}

const futexWait, futexWake = 0, 1

// actFutex: thread A reads a request and wakes thread B on a futex word; B then
// writes a call.
func actFutex() (any, error) {
	request, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	return futexAfter(request)
}

func futexAfter(request *pair) (any, error) {
	call, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	word := new(uint32)
	tid := make(chan int)
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		for {
			if err := futex(word, futexWait, 0); err != unix.EINTR {
				break
			}
		}
		_, err := unix.Write(call.client, []byte("call"))
		done <- err
	}()
	runtime.LockOSThread()
	truth := handoffTruth{From: unix.Gettid(), To: <-tid}
	if err := untilBlocked(truth.To, unix.SYS_FUTEX); err != nil {
		return nil, err
	}
	if err := ping(request); err != nil {
		return nil, err
	}
	if err := futex(word, futexWake, 1); err != nil {
		return nil, err
	}
	return truth, <-done
}

// ping moves a request from the client to the server, on this thread.
func ping(p *pair) error {
	if _, err := unix.Write(p.client, []byte("request")); err != nil {
		return err
	}
	_, err := unix.Read(p.server, make([]byte, 16))
	return err
}

// untilBlocked waits until thread tid sleeps in system call nr.
func untilBlocked(tid, nr int) error {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
		if err == nil && strings.HasPrefix(string(b), strconv.Itoa(nr)+" ") {
			return nil
		}
		runtime.Gosched()
	}
	return fmt.Errorf("thread %d never slept in system call %d", tid, nr)
}

func openEventfd() (int, int, []byte, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK)
	return fd, fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}, err
}

func openPipe() (int, int, []byte, error) {
	var p [2]int
	err := unix.Pipe2(p[:], unix.O_NONBLOCK)
	return p[0], p[1], []byte{1}, err
}

func openPair() (int, int, []byte, error) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	return p[0], p[1], []byte{1}, err
}

// actWakeFD: a loop sleeps in epoll_wait on a wake fd; a worker reads the reply
// of a call and writes to the fd, once while the loop sleeps and once while it is
// awake; after each the loop reads the fd and writes a reply.
func actWakeFD(open func() (int, int, []byte, error)) func() (any, error) {
	return func() (any, error) {
		rfd, wfd, token, err := open()
		if err != nil {
			return nil, err
		}
		call, err := connect("127.0.0.1")
		if err != nil {
			return nil, err
		}
		reply, err := connect("127.0.0.1")
		if err != nil {
			return nil, err
		}
		epoll, err := unix.EpollCreate1(0)
		if err != nil {
			return nil, err
		}
		if err := unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, rfd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(rfd)}); err != nil {
			return nil, err
		}
		work, worked := make(chan struct{}), make(chan error)
		tid := make(chan int)
		go func() {
			runtime.LockOSThread()
			tid <- unix.Gettid()
			for range work {
				err := ping(&pair{client: call.server, server: call.client})
				if err == nil {
					_, err = unix.Write(wfd, token)
				}
				worked <- err
			}
		}()
		runtime.LockOSThread()
		truth := handoffTruth{To: unix.Gettid(), From: <-tid}
		awake := func(wait int) error {
			for {
				_, err := epollPwait(epoll, wait)
				if err == nil {
					break
				}
				if err != unix.EINTR {
					return err
				}
			}
			if _, err := unix.Read(rfd, make([]byte, 64)); err != nil {
				return err
			}
			_, err := unix.Write(reply.server, []byte("reply"))
			return err
		}
		// Asleep: another goroutine starts the worker once the loop sleeps.
		blocked := make(chan error, 1)
		go func() {
			blocked <- untilBlocked(truth.To, unix.SYS_EPOLL_PWAIT)
			work <- struct{}{}
		}()
		if err := errors.Join(awake(-1), <-blocked, <-worked); err != nil {
			return nil, err
		}
		// Awake: the write comes before the loop asks.
		work <- struct{}{}
		if err := errors.Join(<-worked, awake(-1)); err != nil {
			return nil, err
		}
		close(work)
		return truth, nil
	}
}

func epollPwait(epoll, timeout int) (int, error) {
	var event unix.EpollEvent
	return syscallN(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&event)), 1, uintptr(timeout), 0, 0)
}

// actTick makes three turns of an event loop with two writes in the second.
func actTick() (any, error) {
	runtime.LockOSThread()
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(0)
	if err != nil {
		return nil, err
	}
	for turn := range 3 {
		if _, err := epollPwait(epoll, 0); err != nil {
			return nil, err
		}
		for range []int{1, 2, 1}[turn] {
			if _, err := unix.Write(p.client, []byte("x")); err != nil {
				return nil, err
			}
		}
	}
	return unix.Gettid(), nil
}

// goTruth is the goroutine that wrote and the one that created it.
type goTruth struct{ Goid, Parent int }

func goid() int {
	b := make([]byte, 64)
	fields := strings.Fields(string(b[:runtime.Stack(b, false)]))
	id, _ := strconv.Atoi(fields[1])
	return id
}

func actGoroutine() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	truth := goTruth{Parent: goid()}
	done := make(chan error)
	go func() {
		truth.Goid = goid()
		_, err := unix.Write(p.client, []byte("from a goroutine"))
		done <- err
	}()
	return truth, <-done
}

// actFork runs a child process that talks, too: an actor of its own.
func actFork() (any, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), actorEnv+"=tick")
	cmd.Stdin = strings.NewReader("go\n")
	out, err := cmd.Output()
	return map[string]any{"pid": cmd.Process.Pid, "out": string(out)}, err
}

// actClone: a thread reads a request and creates a thread, which writes a call.
func actClone() (any, error) {
	request, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	call, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	truth := handoffTruth{From: unix.Gettid()}
	if err := ping(request); err != nil {
		return nil, err
	}
	// A child process, made by this very thread: it writes to the connection.
	attr := &os.ProcAttr{
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, os.NewFile(uintptr(call.client), "call")},
	}
	child, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "printf call >&3"}, attr)
	if err != nil {
		return nil, err
	}
	truth.To = child.Pid
	_, err = child.Wait()
	return truth, err
}

// actMany opens and closes connections, one message each.
func actMany() (any, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	const n = 500
	for range n {
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return nil, err
		}
		s, err := l.Accept()
		if err != nil {
			return nil, err
		}
		if _, err := c.Write([]byte("x")); err != nil {
			return nil, err
		}
		c.Close()
		s.Close()
	}
	return n, nil
}

func actListen() (any, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// actThreads writes from 20 threads.
func actThreads() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	done, stay := make(chan error), make(chan struct{})
	for range 20 {
		go func() {
			runtime.LockOSThread()
			_, err := unix.Write(p.client, []byte("x"))
			done <- err
			<-stay
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			return nil, err
		}
	}
	close(stay)
	return 20, nil
}

// actManyHandoffs wakes a thread on more futex words than it can remember.
func actManyHandoffs() (any, error) {
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	const n = 12
	words := make([]uint32, n)
	tid, woken, done := make(chan int), make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		for i := range words {
			for futex(&words[i], futexWait, 0) == unix.EINTR {
			}
			woken <- struct{}{}
		}
		_, err := unix.Write(p.client, []byte("call"))
		done <- err
	}()
	runtime.LockOSThread()
	other := <-tid
	for i := range words {
		if err := ping(p); err != nil {
			return nil, err
		}
		if err := untilBlockedOn(other, unsafe.Pointer(&words[i])); err != nil {
			return nil, err
		}
		if err := futex(&words[i], futexWake, 1); err != nil {
			return nil, err
		}
		<-woken
	}
	return handoffTruth{From: unix.Gettid(), To: other}, <-done
}

// untilBlockedOn waits until thread tid sleeps in futex on word.
func untilBlockedOn(tid int, word unsafe.Pointer) error {
	want := fmt.Sprintf("%d 0x%x ", unix.SYS_FUTEX, uintptr(word))
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		b, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/syscall", tid))
		if err == nil && strings.HasPrefix(string(b), want) {
			return nil
		}
		runtime.Gosched()
	}
	return fmt.Errorf("thread %d never slept on the word", tid)
}

// actEcho plays PROBE_TEST_REQUESTS requests and replies on one connection, with
// PROBE_TEST_PAYLOAD bytes each.
func actEcho() (any, error) {
	runtime.LockOSThread()
	n, _ := strconv.Atoi(os.Getenv("PROBE_TEST_REQUESTS"))
	size, _ := strconv.Atoi(os.Getenv("PROBE_TEST_PAYLOAD"))
	p, err := connect("127.0.0.1")
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	for range n {
		for _, way := range []struct{ from, to int }{{p.client, p.server}, {p.server, p.client}} {
			if _, err := unix.Write(way.from, b); err != nil {
				return nil, err
			}
			if _, err := unix.Read(way.to, b); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

// actFin has the reader take the last bytes together with the end of the stream,
// then does the same with the end coming later.
func actFin() (any, error) {
	for _, atOnce := range []bool{true, false} {
		p, err := connect("127.0.0.1")
		if err != nil {
			return nil, err
		}
		if _, err := unix.Write(p.client, []byte("first")); err != nil {
			return nil, err
		}
		if _, err := unix.Read(p.server, make([]byte, 16)); err != nil {
			return nil, err
		}
		if _, err := unix.Write(p.client, []byte("last")); err != nil {
			return nil, err
		}
		if atOnce {
			if err := unix.Shutdown(p.client, unix.SHUT_WR); err != nil {
				return nil, err
			}
		}
		if _, err := unix.Read(p.server, make([]byte, 16)); err != nil {
			return nil, err
		}
		p.close()
	}
	return nil, nil
}

// actReset has peers reset connections that are still in use: while the server's
// end is written to, before its last bytes are read, and before it is accepted.
func actReset() (any, error) {
	const n = 100
	for range n {
		for _, use := range []func(fd int){
			func(fd int) { _, _ = unix.Write(fd, []byte("reply")) },
			func(fd int) { _, _ = unix.Read(fd, make([]byte, 16)) },
		} {
			p, err := connect("127.0.0.1")
			if err != nil {
				return nil, err
			}
			if err := reset(p.client, "request"); err != nil {
				return nil, err
			}
			use(p.server)
			use(p.server)
			p.close()
		}
	}
	return n, acceptReset(n)
}

// acceptReset accepts connections that were reset before.
func acceptReset(n int) error {
	p, err := connect("127.0.0.1")
	if err != nil {
		return err
	}
	defer p.close()
	address, err := unix.Getsockname(p.listener)
	if err != nil {
		return err
	}
	for range n {
		client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(client, address); err != nil {
			return err
		}
		if err := reset(client, "request"); err != nil {
			return err
		}
		unix.Close(client)
		server, _, err := unix.Accept(p.listener)
		if err != nil {
			return err
		}
		_, _ = unix.Read(server, make([]byte, 16))
		unix.Close(server)
	}
	return nil
}

// reset says something on a connection and breaks it off. The file descriptor
// stays open, on another socket.
func reset(fd int, text string) error {
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return err
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	other, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(other)
	return unix.Dup3(other, fd, 0)
}

// Command waiting starts a goroutine that prints its own id, its creator's and
// its thread's, and then stays in a system call until standard input ends.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

// ids takes the ids of this goroutine and of its creator from its stack trace.
func ids() (own, creator string) {
	stack := debug.Stack()
	fmt.Sscanf(string(stack), "goroutine %s ", &own)
	if i := bytes.LastIndex(stack, []byte(" in goroutine ")); i >= 0 {
		fmt.Sscanf(string(stack[i:]), " in goroutine %s", &creator)
	}
	return own, creator
}

func main() {
	done := make(chan struct{})
	go func() { // so that the creator of the next is not goroutine 1
		go func() {
			runtime.LockOSThread()
			own, creator := ids()
			fmt.Println(os.Getpid(), syscall.Gettid(), own, creator)
			var b [1]byte
			syscall.RawSyscall(syscall.SYS_READ, 0, uintptr(pointer(&b)), 1)
			close(done)
		}()
	}()
	<-done
}

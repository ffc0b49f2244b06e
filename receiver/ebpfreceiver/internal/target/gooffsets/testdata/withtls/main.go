// Command withtls links C code, which has thread-local variables of its own
// unless it is built with the tag plain.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() {
	runtime.LockOSThread()
	touch()
	var own string
	fmt.Sscanf(string(debug.Stack()), "goroutine %s ", &own)
	fmt.Println(os.Getpid(), syscall.Gettid(), own, "0")
	syscall.Read(0, make([]byte, 1))
}

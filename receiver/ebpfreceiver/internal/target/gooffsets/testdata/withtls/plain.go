//go:build plain

package main

// static long touch(void) { return 1; }
import "C"

func touch() { C.touch() }

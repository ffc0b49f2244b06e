//go:build !plain

package main

/*
static __thread volatile long mine[9] = {7};
static __thread volatile long zero[5];
static long touch(void) { zero[3]++; return mine[0]++ + zero[3]; }
*/
import "C"

func touch() { C.touch() }

package main

import "unsafe"

func pointer(b *[1]byte) unsafe.Pointer { return unsafe.Pointer(b) }

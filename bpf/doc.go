// Package bpf is the Go face of the programs in this folder: the compiled
// objects for each architecture and the types of everything that crosses
// between them and user space, generated from abi.h. Loading and attaching is
// the business of receiver/ebpfreceiver/internal/probe.
//
// Folder: abi.h (what crosses), kernel.h and compat.h (the kernel's types and
// how kernels differ), tunables.h, counters.h, then one header per concept:
// task, syscall, socket, handoff, stream; capture.c holds the hooks.
package bpf

//go:generate go tool bpf2go -go-package bpf -target amd64,arm64 -cc clang-19 -strip llvm-strip-19 -type conn_record -type io_record -type close_record -type retransmit_record -type proc_record -type handoff -type thread_point -type target -type counter Capture capture.c -- -I. -I/usr/include -Wall -Wpadded -Werror -fno-ident -mcpu=v3

// Package probe owns the BPF programs: it checks that the kernel can run them,
// loads and attaches them, tells them which processes are targets, and reads
// what they report. It is the only package that uses cilium/ebpf beside bpf.
package probe

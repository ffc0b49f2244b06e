// Package ebpfreceiver traces processes without touching them: BPF programs see
// the bytes that cross their sockets and which thread moved them after which
// wakes; the receiver turns that into spans with evidence.
//
// It is a thin shell. The kernel side is loaded by internal/probe, processes are
// found by internal/target, and internal/shard holds the core: streams,
// connections, protocols, spans.
package ebpfreceiver

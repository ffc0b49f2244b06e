// Package rig is what the end-to-end tests stand on. It starts small programs to
// be traced, runs a real Collector beside them with the pipeline of production
// (ebpf → memory_limiter, stitch → tailhook → otlp), and tells what came out:
// spans, the Collector's own counters, and whether these add up.
//
// Tests run as root, on real hooks of this kernel. They need
// bin/otelcol-custom-slim (or $OTELCOL_BINARY) and fail without it. Nothing in
// them depends on how fast the machine is: they wait until the counters say that
// nothing is under way.
package rig

// Package journal keeps what the hook has accepted in a storage extension until
// it is decided and delivered, so that a crash loses nothing.
//
// # Keys
//
//	m            where the others begin and end: four u64, first and next call,
//	             first and next page of decisions
//	c<n>         call n as OTLP
//	f<n>         which fragments of call n are finished, a bit each; absent: none
//	d<n>         page n of decisions: 33 bytes each, trace id, kind, threshold,
//	             randomness
//
// Numbers are 16 hexadecimal digits; all integers are little-endian.
//
// A call is written before it is acknowledged. It is deleted when all its
// fragments, its parts of different traces, are finished: dropped, delivered, or
// given up. All fragments of a trace are finished in one transaction, so that a
// restart meets a trace whole or not at all. What happens between two flushes is
// done again after a crash: a trace delivered just before it is delivered twice.
package journal // import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/journal"

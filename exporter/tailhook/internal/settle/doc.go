// Package settle says when a trace is decided: when it is known to be whole, or
// when waiting any longer is not worth it. It reads no clock; times are
// nanoseconds from an origin of the caller's choice.
package settle // import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/settle"

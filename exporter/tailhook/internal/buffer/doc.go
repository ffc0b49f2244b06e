// Package buffer holds the spans of undecided traces in their encoded form.
//
// A call's spans are encoded once ([Encoder]), grouped by trace ([Batch]) and
// copied into the chunks of a [Store]; resources and scopes, which thousands of
// traces share, are kept once. A trace that is kept becomes plain OTLP bytes
// again ([Store.Assemble]); one that is dropped was never decoded.
//
// Nothing here knows policies, clocks or queues.
package buffer // import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/buffer"

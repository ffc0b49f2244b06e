// Package tailhook is a traces-to-traces connector that holds spans until their
// trace is whole, decides once whether the trace is worth keeping, and sends it
// on whole. It stands in front of the standard exporters.
package tailhook // import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook"

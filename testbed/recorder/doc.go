// Package recorder runs a scenario beside a Collector and keeps what came of it:
// the receiver's spans before stitching, which replay the whole decision, and
// the spans that the pipeline released, with the load generator's own log.
package recorder

// Package stitchprocessor links the spans of one request into one trace: calls to the
// requests that made them, by the evidence that kernel spans carry, and the two
// ends of a connection. See README.md.
//
// The way of a span: split (by process instance, spans without evidence pass) →
// shard (one goroutine, owns the windows of its processes: evidence, claims,
// decisions) → internal/join (one goroutine: trees, trace ids, release) → outlet (one
// goroutine: the next component).
package stitchprocessor

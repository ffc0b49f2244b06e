// Package policy decides whether a trace is worth keeping.
//
// A [Set] is built once from the configured policies and has two halves. An
// [Observer] looks at every span as it arrives, in the goroutine that brought
// it, and notes what the policies must know about the trace in its [State], a
// few words. Set.Decide then needs the states alone: no span is looked at twice
// and none has to be kept decoded. Only policies of extensions, which ask for
// the spans themselves, get them decoded.
//
// # Adding a policy
//
// What a policy needs to see is one of two things. A condition is a question
// about one resource or one span; the trace has the answer yes as soon as one of
// them has. A measure folds numbers of spans into words of its own, in any order
// and grouping: merging two states must give what seeing all their spans would
// have. What follows from it is a node, which gives the verdict on a trace. Nodes
// may be used by several goroutines at once and lock what they change.
//
// Types, keys and semantics are those of contrib's tail_sampling processor as
// far as it has them; a test runs the same traces through both.
package policy // import "github.com/otelcol-custom/otelcol-custom/exporter/tailhook/internal/policy"

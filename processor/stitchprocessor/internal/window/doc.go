// Package window holds the recent spans of one process and finds them by what
// evidence names: the n-th I/O of a thread, a goroutine, a trace id, a time. It
// decides nothing.
//
// A Process has one owner and no lock, and never reads a clock: times come from
// the spans and from the caller, so that a replay repeats a decision exactly.
package window

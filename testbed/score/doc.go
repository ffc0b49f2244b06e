// Package score compares what a linker made of spans with the truth that the
// tokens in them tell: per call, per join of two processes, per trace, and how
// sure it was.
package score

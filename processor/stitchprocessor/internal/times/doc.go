// Package times links calls to the requests that made them when nothing but their
// times is known. It learns, per service, how long after which event of a request
// each of its calls begins, and samples the joint assignment of all calls in a
// window; how often a link occurs among the samples is its probability.
//
// docs/design/0004-times.md tells the method. The package is pure: no clock, no
// goroutine, and what comes out depends on what was added alone.
package times

// Package rivals holds the tests of what other tracers have been reported to get
// wrong, each with the fault in its comment and a small program that provokes it.
package rivals

// Package badday holds the tests of days on which something is broken: the
// exporter's peer, the ring buffer, a target, the Collector itself. Each demands
// that targets do not notice, that every loss is counted, that nothing grows
// without bound, that no link is wrong meanwhile, and that all is well again
// afterwards.
package badday

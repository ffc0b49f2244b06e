// Command demo shows the Collector at work: it starts a small system of real
// programs, the Collector beside it, sends a few requests and prints the traces
// that come out as trees. `make run` and `make demo` call it.
package main

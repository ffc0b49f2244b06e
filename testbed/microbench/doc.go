// Package microbench runs the Go benchmarks that there are for each stage of the
// Collector, and those of the hooks, and reads what they print.
package microbench

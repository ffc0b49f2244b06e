// Package overhead measures what tracing costs: the same program under the same
// load without a Collector, beside one that traces something else, and traced by
// one, in turns.
//
// # How to read the numbers
//
// All loads are closed loops on the machine that they measure: target, load
// generator and Collector share its processors. Where the load keeps all of them
// busy, throughput kept is the share of the processors that tracing leaves; where
// it does not (one connection, a pool that waits), it is latency added. CPU per
// request depends on neither and is the number to compare between machines.
//
// Ratios are taken within one turn, so that a machine that changes its speed
// changes both sides, and the median of the turns is given with the extremes.
// What the Collector lost is said beside each number: a Collector that drops half
// of what happens is cheaper and not better.
//
// Hooks and maps are read from /proc/<pid>/fdinfo of the Collector and named by
// /proc/kallsyms: nothing is asked of the Collector but its own metrics and, where
// it has the pprof extension, a CPU profile.
package overhead

// Package sim is a test kit: programs in miniature (threads, sockets, locks, pools,
// event loops, goroutines) run in virtual time, and an agent that sees of them what
// the kernel side sees. Out come the spans that docs/evidence.md promises, in the
// order in which an agent would deliver them, and the truth: which request each call
// was made for. The truth is never in the spans.
//
// A World is deterministic: the same seed and the same programs give the same spans.
// Threads are coroutines, of which one runs at a time.
package sim

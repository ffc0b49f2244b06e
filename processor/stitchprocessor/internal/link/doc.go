// Package link turns evidence into claims: "this call was made for that request",
// each with the kind of evidence and what it is worth. It decides nothing: claims
// may contradict each other, and the solver weighs them.
//
// # Adding a kind of evidence
//
// A kind is one file with a Kind (name, trust, class, precision) and a rule, and
// one line in each of two tables: kinds (kinds.go), and that of the moment when
// the rule runs (linker.go).
//
//   - A rule for a request (onRequest) runs when a server span has arrived and
//     looks for the calls that it explains. Calls arrive before the request that
//     made them, so this is where most evidence comes together.
//   - A rule for a call (onCall) runs when a client span has arrived, and serves
//     what can be told from a call that came late.
//   - A rule that can decide nothing alone, or that must know every candidate, runs
//     when a call is ripe (onRipe): every request that can have made it is here.
//
// A rule that misses a message asks the window for it (Await) and runs again when
// it has come. A rule never bridges a hole in the ordinals of a thread, and it makes
// the same claim again if it runs again: the solver keeps one.
package link

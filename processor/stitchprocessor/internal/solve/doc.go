// Package solve decides which request each call belongs to, from claims that may
// contradict each other.
//
// Claims are combined as odds: those of one class of evidence by their best, those
// of different classes by their product, and candidates compete with each other and
// with "none of them". Evidence that two decisive kinds read differently therefore
// ends below any useful threshold, and the call stays an orphan. What a claim
// may do depends on its trust: decide at once, decide when nothing better
// can come, or only help.
//
// The solver is greedy: it decides one call after the other. All that it knows is in
// the claims on the nodes of the window, so a joint optimisation can take its
// place behind the same two methods, Claim and Final.
package solve

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
// The solver decides one call after the other, for there is hardly ever anything to
// choose (docs/design/0005-assignment.md). What is left over, and competes, the linker
// assigns together.
package solve

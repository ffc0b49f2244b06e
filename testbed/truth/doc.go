// Package truth is how the testbed knows which call belongs to which request.
//
// Every request carries a Token, a mark of constant width that the programs
// under test pass on to every call they make, in a place of each protocol that
// no program acts upon (docs/testbed.md lists them). Only the scorer reads it.
// That nobody else does is proved by Mask, which overwrites every token in a
// recording and must leave every decision as it was.
package truth

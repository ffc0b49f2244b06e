// Package join builds traces: it holds spans, hangs them under the parents that the
// solver found in their process, joins the two ends of a connection by TCP position,
// gives every member of a tree one trace id and lets the tree go when nothing can join
// it any more, or when its time is over.
//
// A tree of held spans is the unit. Each span has questions that are still open (is
// its parent decided, is all that it caused here, will the other end of its
// connection show up); the root counts those of its tree, and a tree without any
// leaves after a short delay as one batch. What has left is remembered for a
// while without its data, so that a late child still finds its parent.
//
// An Assembler has one owner and reads no clock.
package join

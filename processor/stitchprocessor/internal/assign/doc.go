// Package assign finds which of several requests each of several calls belongs to,
// all at once: the assignment that costs least in total, where each request takes
// one call at most and a call may stay alone at a price. It says, too, how much dearer
// the best assignment is that decides otherwise about one call: its margin. With costs
// that are negative logarithms of probabilities the margin is a log of odds.
//
// It is exact (the Hungarian method with potentials) and small: the work is bounded by
// the cube of the size, and sizes are bounded by Max.
package assign

// Package stream puts the segments of one direction of one connection in order
// by their TCP position and offers them as bytes: contiguous where they were
// captured, with known holes where they were not. For any run of bytes that the
// consumer calls a message it says which system calls moved it: times, threads,
// handoffs, and whether something that should be there is missing.
//
// Positions are 64-bit inside, the low 32 bits being the sequence number of the
// wire, so that they compare without wrapping.
//
// Nothing here locks: a Stream and its Pool belong to one goroutine.
package stream

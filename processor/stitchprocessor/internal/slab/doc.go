// Package slab hands out memory for many small values from pieces that are allocated at
// once: fewer allocations, and values that came together lie together. A piece is held as
// long as one of its values is, so it is for values that also leave together.
package slab

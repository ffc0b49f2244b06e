// Package baseline holds re-implementations of the linking rules that other
// tracers have published, to be run on the same recordings as the stitch
// processor. They are the rules alone, told in docs/testbed.md; they are not
// the products, which see more (and lose more) than a recording holds.
package baseline

// Package replay stitches recordings outside of a Collector, without privileges
// and always with the same outcome, and checks that nothing which decides looks
// at the truth.
package replay

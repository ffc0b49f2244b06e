// Package wholetraces holds the tests of what the product is for: unmodified
// servers under load, every request one whole trace, nothing lost that is not
// counted, and better than what the rivals' rules make of the same recording.
package wholetraces

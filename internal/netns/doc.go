// Package netns gives a test a network namespace of its own, so that fixed ports
// are free however many tests run on the machine.
package netns

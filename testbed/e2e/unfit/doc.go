// Package unfit holds the tests of machines and privileges on which the receiver
// cannot work: it must say so at once and never idle.
package unfit

// Package fifo holds values that leave in the order in which they came, and holds a million
// of them as well as ten.
package fifo

// Package sweep records scenarios under a row of loads and judges each recording:
// what the Collector made of it live, what replaying it makes of it, what the
// rivals' rules make of it, and what is lost with each kind of evidence.
package sweep

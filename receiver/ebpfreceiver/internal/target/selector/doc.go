// Package selector compares processes with the rules of the configuration. It is
// pure: what a process is, it is told.
package selector

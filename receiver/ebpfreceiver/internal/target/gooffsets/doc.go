// Package gooffsets tells whether an executable is a Go program and where its
// runtime keeps the id of a goroutine. It reads that from the program's debug
// information, or looks it up for the exact release of Go that built it; it
// never guesses.
package gooffsets

// Package tracectx reads trace contexts off the wire: headers of a request in,
// one canonical trace id and parent span id out. A format is one file with a
// parser and one line in the table of formats. Everything here is pure and takes
// hostile input: a value that breaks its specification is an error, never a guess.
package tracectx

// Package tracectx reads trace contexts off the wire: headers of a request in,
// canonical trace and span ids out, whatever system wrote them. A format is one
// file with a parser, and one line in the table of formats; a Reader knows which
// of them are wanted. Everything here takes hostile input: a value that breaks its
// specification is no context, never a guess.
//
// # Ids
//
// A trace id has 16 bytes and a span id has 8. Ids of formats that write numbers
// are those numbers, with zeros to the left. Any other id is mapped, always in the
// same way, so that every hop comes to the same one: see MapTrace and MapSpan. What
// was written stays beside it (RawTrace, RawSpan), so that people find the trace in
// the other system.
//
// # Several at once
//
// One context decides: the first one that names the caller's span, in the order of
// the formats, else the first one. The others are kept behind it.
package tracectx

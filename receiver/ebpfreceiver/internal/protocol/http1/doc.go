// Package http1 parses HTTP/1.0 and HTTP/1.1 as RFC 9112 (message syntax) and
// RFC 9110 (semantics) have it, as leniently as real servers do: line feeds
// without carriage return, folded header lines, empty lines between messages.
//
// A message is told from its header block; bodies are skipped unseen. What of a
// header block does not reach the parser (it was longer than what is captured)
// ends the message early: what was read of it is returned at Resync.
//
// Attributes follow the stable semantic conventions for HTTP spans. What only the
// caller can know is left to it: server.port is set when the wire names a port,
// client.address not at all, and error.type of a 4xx response is meant for client
// spans. Values in query strings and user names in URLs do not leave the parser
// unless Options says so (the latter never do).
package http1

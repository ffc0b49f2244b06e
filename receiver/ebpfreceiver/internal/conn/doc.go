// Package conn follows TCP connections: it finds out which protocol they speak
// and which end the traced process is, lets a parser turn their two byte streams
// into messages, and pairs requests with responses into exchanges.
//
// What a parser cannot read still has a shape: bytes one way, then bytes the
// other way. Such a run becomes a message by the change of direction alone, and
// so does a message whose end was not captured. What a protocol says beside its
// requests and responses (the start of a session) becomes an exchange of that kind.
//
// # Losing and finding the thread
//
// Records are lost when the ring buffer is full, and only the head of a message
// is captured. The Table then never guesses in silence. A hole inside a message
// makes its exchange lossy. A hole that may have hidden whole messages makes
// every exchange lossy until the connection is *anchored* again: a change of
// direction towards the server at which every request had exactly its response.
// Requests that cannot be paired any more end without a response.
//
// A Table belongs to one goroutine and knows no clock: time comes with the events
// and with Tick.
package conn

// Package protocol is the contract between the connection table and the
// application protocols: a Parser turns the bytes of one connection into
// request and response messages. Each protocol is one folder below this one.
//
// Parsers are pure: bytes in, messages out. They know no clock, no pdata and no
// connection; which segment, thread and time a message came from is the
// caller's affair, found again by the byte positions that a parser consumes.
package protocol

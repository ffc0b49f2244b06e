// Package redis parses the Redis serialization protocol, versions 2 and 3, as
// its specification has it (redis.io/docs/latest/develop/reference/protocol-spec
// and github.com/redis/redis-specifications), inline commands included. Valkey,
// KeyDB and Dragonfly speak the same.
//
// A request is one command; its response is the reply, for SUBSCRIBE and its
// relatives the last of the confirmations. What the server sends unasked
// (published messages, invalidations, the lines of MONITOR) is Ignored. Bulk
// strings are skipped behind the bytes that are needed of them.
//
// db.query.text holds the command and its keys; other arguments are replaced by
// question marks. Passwords never leave the parser, not even with raw
// statements. db.namespace is known once the connection has sent SELECT.
package redis

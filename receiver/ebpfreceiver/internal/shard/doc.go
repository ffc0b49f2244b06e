// Package shard spreads the events of one reader over single-owner workers and
// brings their spans together again.
//
// # Order
//
// All events of a connection go to one worker, in the order of the ring buffer.
// The ordinals of a thread are checked before the events part, since a thread
// uses many connections.
//
// # Pressure
//
// Events are copied into batches; each worker has a queue of them. Workers never
// wait for anybody but for work, so a queue is full only when there is too little
// CPU. The reader then waits up to 100 ms for a place: meanwhile the ring buffer,
// which is larger, takes what comes. After that the newest I/O records are dropped
// and counted until there is a place; the thread table does not learn of them, so
// that their threads' next records show the hole. Announcements, closes and exits
// are kept up to a much higher limit. When the consumer is slow, finished spans
// wait at the workers up to a limit; further ones are dropped and counted.
//
// # Watermark
//
// Every flush interval, and sooner when much has come, a barrier passes through
// all queues. What each worker
// hands over there is everything that ended before the barrier, so the batch can
// state a watermark: no server span of the process that begins before it will
// come any more. It is the least of
//
//   - the start of every request of the process, on any worker, that has begun to
//     arrive and whose exchange has not been delivered, and
//   - the time of the newest event of all at the barrier before this one, or at
//     this one if nothing has come since. Threads overtake each other on the way
//     into the ring buffer; a flush interval is ample for them to arrive.
//
// A request holds the watermark until it is answered or ExchangeTimeout has
// passed. Two kinds of connection hold it less, since one of their runs may never
// be answered: an opaque exchange for two seconds, a connection behind a protocol
// upgrade not at all. Server spans that are delivered although the watermark had
// passed their start are counted (Stats.Late).
//
// The watermark of a process is stated when it has moved and there are spans or
// there was activity that the last one did not cover: a process that rests is
// silent.
//
// Beside it stands up to when all calls of the host have been delivered, in the same
// way: by the oldest one of any process that is open, or that waits for the
// description of its process.
package shard

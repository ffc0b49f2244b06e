// Package event gives the records of the ring buffer their Go form: what the
// kernel saw of connections, of the bytes on them, and of processes.
package event

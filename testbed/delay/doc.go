// Package delay is the backend of every scenario: an HTTP server that answers
// each call after 1 to 20 ms and logs the call, its token and its times.
package delay

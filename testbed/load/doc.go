// Package load sends HTTP/1.1 requests with truth tokens in them: a closed loop
// with so many in flight, or an open loop with Poisson arrivals. It keeps
// connections alive, costs little, and logs every request for the scorer.
package load

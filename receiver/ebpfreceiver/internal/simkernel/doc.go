// Package simkernel plays conversations the way the kernel side would tell them:
// as events with TCP positions, captured sizes, threads, ordinals and handoffs.
// Tests of the receiver's core use it in place of a kernel. It can lose, delay
// and repeat records as a full ring buffer or racing threads do.
//
// What it lends to the handler is overwritten after each call, so that whoever
// keeps it is found out.
package simkernel

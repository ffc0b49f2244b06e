// Package monotime relates CLOCK_MONOTONIC, in which the kernel side states every
// time, to the time of day.
package monotime

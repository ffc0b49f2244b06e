// Package procfs reads what the kernel says of a process below /proc. It only
// reads and parses; what the facts mean is for others to say.
package procfs

// Package container tells in which container, pod or systemd unit a process
// runs, from its control groups and from what the container runtime wrote down.
package container

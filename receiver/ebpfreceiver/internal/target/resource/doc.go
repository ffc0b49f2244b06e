// Package resource describes a process: what it runs, where it runs, and the
// attributes of its OpenTelemetry resource.
package resource

// Package collector runs a Collector binary for tests, benchmarks and recordings:
// it writes the configuration, waits until the pipelines run, receives what they
// export over OTLP, and reads the Collector's own metrics.
package collector

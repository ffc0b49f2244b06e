// Package scenario describes the programs of the testbed and runs them.
//
// A scenario is one YAML file in catalog/: which packages it needs, which
// services run (programs of this repository in programs/, servers from Debian,
// backends from catalog/backends/), what the load generator asks for and which
// calls each kind of request must make. Start brings one up in its own process
// groups, cgroups, directory and ports; Verify compares what the backends saw
// with what the requests should have caused.
package scenario

// Package kernels runs the programs of bpf on kernels other than this machine's:
// host boots Debian's kernels in an emulator, guest is the only program in there.
// The guest loads, attaches and exercises the programs once per Case and says on
// the console, one line of JSON each, what came of it. `make kernels` runs it.
package kernels

// Package evidence is the schema of what kernel spans say about how they came
// about: on which connection and TCP position, on which thread and goroutine,
// after which wakes. The receiver writes it, the stitch processor decides with
// it and removes it, the tail hook reads the verdicts. Any other agent may
// write it too: docs/evidence.md is the contract, this package its Go form.
package evidence

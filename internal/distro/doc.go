// Package distro tests the distribution as a whole: that the manifests agree
// with go.mod, that the generated main packages are current, and that the
// binary runs the official configuration and our own. It holds no code but
// tests.
package distro

// Package naming finds the name that people call a program by: the script of an
// interpreter, the application of an application server, the jar of a JVM. It
// never returns an argument that is not a name, since those may hold secrets.
package naming

// Package report tells what a sweep has found: a document with tables, plots, and
// the numbers for machines.
package report

// Package httptext reads the parts that HTTP requests have in common, whatever
// carries them: methods, authorities, and queries without their values. The form
// is that of the semantic conventions for HTTP spans.
package httptext

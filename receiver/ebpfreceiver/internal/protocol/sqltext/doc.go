// Package sqltext describes SQL statements without their values: a text in which
// every literal is replaced, and a summary of low cardinality ("SELECT orders").
//
// It reads tokens, not grammar, so that it also copes with statements it has
// never seen and with the mere beginning of one. What it cannot classify it
// treats as a literal or leaves out: nothing that may be a value gets through.
// The lexical rules are those of PostgreSQL ("SQL Syntax", chapter 4.1 of its
// manual) and MySQL ("Language Structure", chapter 11 of its manual); the form of
// text and summary is that of the semantic conventions for database spans
// (opentelemetry.io/docs/specs/semconv/db/database-spans).
package sqltext

// Package kspan turns exchanges into OpenTelemetry spans: current semantic
// conventions from what the parser understood and from the connection, and
// beside them the evidence of how the exchange came about (docs/evidence.md).
//
// Ids are derived, not drawn: the same exchange always gets the same ids, so that
// a replay or a duplicate is recognised as what it is. A trace context found on
// the wire takes precedence.
package kspan

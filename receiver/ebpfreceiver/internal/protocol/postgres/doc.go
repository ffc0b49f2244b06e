// Package postgres parses PostgreSQL's frontend/backend protocol, version 3, as
// chapter 55 of its manual has it ("Message Formats", "Message Flow"). PgBouncer,
// CockroachDB, YugabyteDB and others speak the same.
//
// An exchange is what lies between two ReadyForQuery messages: one Query, however
// many statements it holds, or all of Parse, Bind, Describe, Execute, Close and
// Flush up to Sync. Starting up and authentication, COPY data, notices and
// notifications are Ignored. After TLS or GSS encryption is agreed on, and in a
// connection met behind that, nothing can be read.
//
// The text of a prepared statement is remembered, within bounds, so that its
// executions can be named; one prepared before the connection was met is
// "EXECUTE". BEGIN and the like beside another statement in one exchange do not
// count: drivers put them there. db.namespace is the database of the start-up,
// without a schema. Of an error only severity and SQLSTATE are kept, since its
// text may hold values. Trace context in comments (sqlcommenter) is returned
// among the headers, with the exchange that carried the text only.
package postgres

// Package mysql parses the client/server protocol of MySQL and MariaDB, version
// 10 of the handshake, as "Client/Server Protocol" of MySQL's internals manual
// and of MariaDB's knowledge base have it.
//
// An exchange is a command and all of its response, however many results that
// has. The handshake, file contents of LOAD DATA LOCAL, and commands that nothing
// answers (quit, close a statement, long data) are Ignored. After TLS or
// compression is agreed on, and behind a request for the binary log, nothing can
// be read.
//
// Nothing depends on what the handshake agrees on, but for the name of the system
// and the database, since a connection may be met after it: whether EOF packets
// divide columns from rows, and whether attributes precede a query, shows in the
// packets themselves.
//
// The text of a prepared statement is remembered by its id, within bounds; one
// prepared before the connection was met is "EXECUTE". db.system.name is mariadb
// where the handshake says so, else mysql. db.namespace follows the handshake,
// COM_INIT_DB and USE. Of an error only code and SQLSTATE are kept, since its text
// may hold values. Trace context in comments (sqlcommenter) and in query
// attributes is returned among the headers.
package mysql
